// Tests the kernels by themselves, on the instruction set that they choose: kernels_test FIXTURES CHECKPOINTS LEVEL
//
// FIXTURES has kernels.safetensors and decoder_layers.safetensors, CHECKPOINTS the tiny models; LEVEL is the instruction set that must be chosen. The kernels need
// neither libtorch nor Swift, and neither does this program: it is compiled for other processors too.

#include "ckernels.h"
#include "support.h"

#if CT_BLAS_ALWAYS
#include "../../Sources/CKernels/blas.h"
#endif

int main(int count, char **arguments) {
    if (count != 4) {
        std::fprintf(stderr, "usage: kernels_test FIXTURES CHECKPOINTS LEVEL\n");
        return 64;
    }
    if (const char *problem = ck_capability_problem()) {
        std::fprintf(stderr, "%s\n", problem);
        return 78;
    }
    const std::string level = ck_instruction_set();
    test::expect(level == arguments[3], "the kernels chose " + level + ", not " + arguments[3]);
    const test::Golden golden(std::string(arguments[1]) + "/kernels.safetensors");
    test::digests();
    test::products();
#if CT_BLAS_ALWAYS
    test::expect(ctorch::kernels::blas_calls > 50, "BLAS multiplied only " + std::to_string(ctorch::kernels::blas_calls) + " times");
#endif
    test::linear_layers(golden);
    test::elements(golden);
    test::layers(golden);
    test::prenorm_layers(golden);
    test::checkpoints(arguments[2]);
    test::blocks();
    test::decoders(golden);
    test::decoder_layers(test::Golden(std::string(arguments[1]) + "/decoder_layers.safetensors"));
    std::printf("%s: %d checks, %d failed; int8 layers have the bits %016llx\n", level.c_str(), test::checks, test::failures,
                static_cast<unsigned long long>(test::int8_digest));
    return test::failures > 0;
}
