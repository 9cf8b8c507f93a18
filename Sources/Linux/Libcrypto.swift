import Glibc

/// What is needed of OpenSSL's library of ciphers, which is opened at run time (dlopen(3)): whoever encrypts nothing needs no
/// such library. Everything that is known of its binary interface is in this file; the prototypes are held against its
/// headers by `Tests/System/test-prototypes`.
package final class Libcrypto: Sendable {
    /// It is not on this machine, or is not what it should be.
    package struct Missing: Error, CustomStringConvertible {
        package let reason: String
        package var description: String {
            "what goes between hubs cannot be encrypted: \(reason); the package libssl3 has that library"
        }
    }

    // As in openssl/evp.h and openssl/hmac.h, of 1.1.0 as of 3: a type that only the library looks into is a raw pointer.
    fileprivate typealias NewContext = @convention(c) () -> UnsafeMutableRawPointer?
    fileprivate typealias FreeContext = @convention(c) (UnsafeMutableRawPointer?) -> Void
    fileprivate typealias Algorithm = @convention(c) () -> UnsafeRawPointer?
    fileprivate typealias CipherInit =
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafeRawPointer?, UnsafeMutableRawPointer?, UnsafePointer<UInt8>?,
            UnsafePointer<UInt8>?, CInt
        ) -> CInt
    fileprivate typealias CipherUpdate =
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<CInt>?, UnsafePointer<UInt8>?,
            CInt
        ) -> CInt
    fileprivate typealias CipherFinal =
        @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<CInt>?) -> CInt
    fileprivate typealias ContextControl =
        @convention(c) (UnsafeMutableRawPointer?, CInt, CInt, UnsafeMutableRawPointer?) -> CInt
    fileprivate typealias MAC =
        @convention(c) (
            UnsafeRawPointer?, UnsafeRawPointer?, CInt, UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt8>?,
            UnsafeMutablePointer<CUnsignedInt>?
        ) -> UnsafeMutablePointer<UInt8>?
    /// EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG.
    fileprivate static let getTag: CInt = 0x10
    fileprivate static let setTag: CInt = 0x11

    fileprivate let newContext: NewContext
    fileprivate let freeContext: FreeContext
    fileprivate let aes256GCM: Algorithm
    fileprivate let cipherInit: CipherInit
    fileprivate let cipherUpdate: CipherUpdate
    fileprivate let cipherFinal: CipherFinal
    fileprivate let contextControl: ContextControl
    private let sha256: Algorithm
    private let mac: MAC

    /// Opens the first of `names` that is there. It stays open.
    package init(names: [String] = ["libcrypto.so.3", "libcrypto.so.1.1"]) throws(Missing) {
        guard let library = names.lazy.compactMap({ dlopen($0, RTLD_NOW | RTLD_LOCAL) }).first else {
            throw Missing(reason: "there is no \(names.joined(separator: " or "))")
        }
        /// `type` is the function's as above.
        func function<Function>(_ name: String, _ type: Function.Type) throws(Missing) -> Function {
            guard let address = dlsym(library, name) else { throw Missing(reason: "libcrypto has no \(name)") }
            return unsafeBitCast(address, to: type)
        }
        newContext = try function("EVP_CIPHER_CTX_new", NewContext.self)
        freeContext = try function("EVP_CIPHER_CTX_free", FreeContext.self)
        aes256GCM = try function("EVP_aes_256_gcm", Algorithm.self)
        cipherInit = try function("EVP_CipherInit_ex", CipherInit.self)
        cipherUpdate = try function("EVP_CipherUpdate", CipherUpdate.self)
        cipherFinal = try function("EVP_CipherFinal_ex", CipherFinal.self)
        contextControl = try function("EVP_CIPHER_CTX_ctrl", ContextControl.self)
        sha256 = try function("EVP_sha256", Algorithm.self)
        mac = try function("HMAC", MAC.self)
    }

    /// HMAC with SHA-256 (RFC 2104): 32 octets.
    package func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        let answer = mac(sha256(), key, CInt(key.count), message, message.count, &result, nil)
        precondition(answer != nil, "HMAC has no reason to fail")
        return result
    }

    /// HKDF with SHA-256 (RFC 5869): `count` octets, at most 8160, for one purpose.
    package func hkdf(secret: [UInt8], salt: [UInt8], purpose: [UInt8], count: Int) -> [UInt8] {
        precondition(0...255 * 32 ~= count, "more than HKDF gives")
        let key = hmac(key: salt, secret)
        var result: [UInt8] = []
        var block: [UInt8] = []
        while result.count < count {
            block = hmac(key: key, block + purpose + [UInt8(result.count / 32 + 1)])
            result += block
        }
        return Array(result.prefix(count))
    }

    /// AES with a key of 256 bits in Galois/counter mode (NIST SP 800-38D), with tags of 16 octets. What has to be allocated
    /// is allocated here. One thread uses it.
    package struct AES256GCM: ~Copyable {
        private let library: Libcrypto
        private let context: UnsafeMutableRawPointer

        /// `key` has 32 octets.
        package init(_ library: Libcrypto, key: [UInt8]) throws(Missing) {
            precondition(key.count == 32, "a key of 256 bits")
            let context = library.newContext()
            guard let context, library.cipherInit(context, library.aes256GCM(), nil, key, nil, 1) == 1 else {
                library.freeContext(context)
                throw Missing(reason: "libcrypto does not do AES-256-GCM")
            }
            (self.library, self.context) = (library, context)
        }

        deinit { library.freeContext(context) }

        /// Encrypts that part of `bytes` where it lies, and returns the tag of it and of `header`. A nonce is used once with
        /// a key.
        package mutating func seal(
            _ bytes: inout MutableRawSpan, _ part: Range<Int>, header: RawSpan, nonce: [12 of UInt8]
        ) -> [16 of UInt8] {
            var tag = [16 of UInt8](repeating: 0)
            let isDone = run(&bytes, part, header, nonce, sealing: 1) { context in
                var end: CInt = 0
                return withUnsafeMutableBytes(of: &tag) { tag in
                    // It writes nothing in this mode, and wants an address all the same.
                    library.cipherFinal(context, tag.baseAddress?.assumingMemoryBound(to: UInt8.self), &end) == 1
                        && library.contextControl(context, Libcrypto.getTag, 16, tag.baseAddress) == 1
                }
            }
            precondition(isDone, "AES-GCM has no reason to fail")
            return tag
        }

        /// Decrypts that part of `bytes` where it lies. False where it or `header` has another tag: what is there then is
        /// worth nothing.
        package mutating func open(
            _ bytes: inout MutableRawSpan, _ part: Range<Int>, header: RawSpan, nonce: [12 of UInt8],
            tag: [16 of UInt8]
        ) -> Bool {
            var tag = tag
            return run(&bytes, part, header, nonce, sealing: 0) { context in
                var end: CInt = 0
                return withUnsafeMutableBytes(of: &tag) { tag in
                    library.contextControl(context, Libcrypto.setTag, 16, tag.baseAddress) == 1
                        && library.cipherFinal(context, tag.baseAddress?.assumingMemoryBound(to: UInt8.self), &end) == 1
                }
            }
        }

        private func run(
            _ bytes: inout MutableRawSpan, _ part: Range<Int>, _ header: RawSpan, _ nonce: [12 of UInt8],
            sealing: CInt, _ finish: (UnsafeMutableRawPointer) -> Bool
        ) -> Bool {
            var done: CInt = 0
            let hasBegun = nonce.span.withUnsafeBytes {
                library.cipherInit(context, nil, nil, nil, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), sealing)
            }
            let hasHeader = header.withUnsafeBytes { bytes in
                bytes.isEmpty
                    ? 1
                    : library.cipherUpdate(
                        context, nil, &done, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), CInt(bytes.count))
            }
            let hasContent = bytes.withUnsafeMutableBytes { bytes in
                let octets = UnsafeMutableRawBufferPointer(rebasing: bytes[part])
                    .baseAddress?.assumingMemoryBound(to: UInt8.self)
                return part.isEmpty ? 1 : library.cipherUpdate(context, octets, &done, octets, CInt(part.count))
            }
            return hasBegun == 1 && hasHeader == 1 && hasContent == 1 && finish(context)
        }
    }
}
