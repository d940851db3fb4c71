/*
 * Preloaded under valgrind by `make secret-check`: what RAND_bytes gives counts as undefined, so that memcheck reports
 * every branch, address and length that depends on it. Langley's ctgrind, with valgrind's function wrapping in place of
 * changes to the program. What is public passes through one of the functions below.
 */
#include <stddef.h>
#include <stdint.h>
#include <valgrind/memcheck.h>

/* In an object without a soname, which is what an executable is; a pattern, as names carry versions and hashes. */
#define WRAP(pattern) I_WRAP_SONAME_FNNAME_ZZ(NONE, pattern)

uintptr_t WRAP(ZaRAND_bytes)(uint8_t *out, size_t length) {
    OrigFn original;
    uintptr_t result;
    VALGRIND_GET_ORIG_FN(original);
    CALL_FN_W_WW(result, original, out, length);
    VALGRIND_MAKE_MEM_UNDEFINED(out, length);
    return result;
}

/* kubepki::key::prime::limbs::declassify: says which value becomes public. */
uintptr_t WRAP(Za5prime5limbs10declassifyZa)(uintptr_t value) {
    OrigFn original;
    uintptr_t result;
    VALGRIND_GET_ORIG_FN(original);
    CALL_FN_W_W(result, original, value);
    VALGRIND_MAKE_MEM_DEFINED(&result, sizeof result);
    return result;
}

/*
 * A number's size is public, and aws-lc asks for it in a loop over its top limbs; a candidate's top limb is never zero.
 * Reports from inside are switched off, and the answer is public.
 */
#define PUBLIC_SIZE(pattern)                                                                                          \
    uintptr_t WRAP(pattern)(const void *number) {                                                                     \
        OrigFn original;                                                                                              \
        uintptr_t result;                                                                                             \
        VALGRIND_GET_ORIG_FN(original);                                                                               \
        VALGRIND_DISABLE_ERROR_REPORTING;                                                                             \
        CALL_FN_W_W(result, original, number);                                                                        \
        VALGRIND_ENABLE_ERROR_REPORTING;                                                                              \
        VALGRIND_MAKE_MEM_DEFINED(&result, sizeof result);                                                            \
        return result;                                                                                                \
    }

PUBLIC_SIZE(Zabn_minimal_width)
PUBLIC_SIZE(ZaBN_num_bits)

/* aws-lc declassifies "is the base below the modulus" itself; its macro for that is empty in a common build. */
uintptr_t WRAP(ZaBN_ucmp)(const void *a, const void *b) {
    OrigFn original;
    uintptr_t result;
    VALGRIND_GET_ORIG_FN(original);
    CALL_FN_W_WW(result, original, a, b);
    VALGRIND_MAKE_MEM_DEFINED(&result, sizeof result);
    return result;
}
