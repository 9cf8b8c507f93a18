@main struct Double { static func main() {} }
