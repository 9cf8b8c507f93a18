// Whether OpenSSL's headers say what `Sources/Linux/Libcrypto.swift` says of its functions: it compiles, or it does not.
// Tests/System/test-prototypes has it compiled, and sees to it that each function that is looked up there stands here.
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/opensslv.h>

#define IS(function, ...) \
    _Static_assert(__builtin_types_compatible_p(__typeof__(&function), __VA_ARGS__), #function " has another prototype")

#if OPENSSL_VERSION_NUMBER < 0x10100000L
#error "older than 1.1.0, whose contexts were made otherwise"
#endif

// To Swift a pointer to what only the library looks into is a raw pointer, and size_t an Int.
IS(EVP_CIPHER_CTX_new, EVP_CIPHER_CTX *(*)(void));
IS(EVP_CIPHER_CTX_free, void (*)(EVP_CIPHER_CTX *));
IS(EVP_aes_256_gcm, const EVP_CIPHER *(*)(void));
IS(EVP_CipherInit_ex, int (*)(EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const unsigned char *,
                              const unsigned char *, int));
IS(EVP_CipherUpdate, int (*)(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *, int));
IS(EVP_CipherFinal_ex, int (*)(EVP_CIPHER_CTX *, unsigned char *, int *));
IS(EVP_CIPHER_CTX_ctrl, int (*)(EVP_CIPHER_CTX *, int, int, void *));
IS(EVP_sha256, const EVP_MD *(*)(void));
IS(HMAC, unsigned char *(*)(const EVP_MD *, const void *, int, const unsigned char *, size_t, unsigned char *,
                            unsigned int *));

_Static_assert(EVP_CTRL_AEAD_GET_TAG == 0x10 && EVP_CTRL_AEAD_SET_TAG == 0x11, "other controls of a context");
_Static_assert(sizeof(size_t) == sizeof(void *), "size_t is no Int");
