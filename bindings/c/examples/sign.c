/* Signs a message with SM2 and verifies it. Build:
 *   cc sign.c -I "$(python -c 'import sealcore.capi as c; print(c.get_include())')" \
 *             "$(python -c 'import sealcore.capi as c; print(c.get_library())')" -o sign
 */
#include <sealcore.h>
#include <stdio.h>
#include <string.h>

static int failed(const char *what, sealcore_status status) {
    fprintf(stderr, "%s: %s\n", what, sealcore_status_message(status));
    return 1;
}

int main(void) {
    const uint8_t message[] = "one use of one seal";
    uint8_t point[65], signature[64];
    sealcore_signing_key *key = NULL;
    sealcore_verifying_key *public_key = NULL;

    sealcore_status status = sealcore_signing_key_generate(&key, SEALCORE_ALGORITHM_SM2);
    if (status != SEALCORE_STATUS_OK) return failed("generate", status);
    status = sealcore_sign(signature, key, NULL, 0, message, sizeof message);
    if (status != SEALCORE_STATUS_OK) return failed("sign", status);
    status = sealcore_signing_key_public(point, key);
    if (status != SEALCORE_STATUS_OK) return failed("public", status);
    sealcore_signing_key_free(key);

    status = sealcore_verifying_key_from_sec1(&public_key, SEALCORE_ALGORITHM_SM2, point, sizeof point);
    if (status != SEALCORE_STATUS_OK) return failed("load", status);
    status = sealcore_verify(public_key, NULL, 0, message, sizeof message, signature);
    if (status != SEALCORE_STATUS_OK) return failed("verify", status);
    signature[40] ^= 1;
    status = sealcore_verify(public_key, NULL, 0, message, sizeof message, signature);
    sealcore_verifying_key_free(public_key);
    if (status != SEALCORE_STATUS_INVALID_SIGNATURE) return failed("a changed signature must not verify", status);

    printf("sealcore %s: signed and verified\n", sealcore_version());
    return 0;
}
