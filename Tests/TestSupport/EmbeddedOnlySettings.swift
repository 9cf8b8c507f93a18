/// Settings that only the embedded engine can honour, each with the words by which it is named to people.
package let embeddedOnlySettings = [
    ("allow: [\"192.0.2.0/24\"]", "allow"), ("deny: [\"192.0.2.66\"]", "deny"), ("maximum: 250", "maximum"),
    ("rooms: {A: {ports: [5004], maximum: 8}}", "maximum"), ("address: \"127.0.0.1\"", "address"),
    ("maximumPerAddress: 64", "maximumPerAddress"),
    ("deny: [\"::1\"], allow: [\"::2\"], address: \"::\"", "allow, deny and address"),
]
