// Writes the texts that follow prompts, of one as it comes: generate MODEL PROMPT…
//
//   cc generate.c -I runtime/include -L runtime/lib -ldistill -lstdc++ -lm -lpthread -ldl -o generate
#include <stdio.h>

#include "distill.h"

static int32_t show(void *context, size_t prompt, const char *piece, size_t length, int32_t is_end) {
    (void)context, (void)prompt;
    fwrite(piece, 1, length, stdout);
    if (is_end) fputc('\n', stdout);
    return fflush(stdout) != 0;
}

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: generate MODEL PROMPT...\n");
        return 64;
    }
    char *error = NULL, *lines = NULL;
    distill_generation_options options;
    distill_model *model = distill_open(arguments[1], NULL, &error);
    if (model && distill_generation_defaults(model, &options, &error) == 0) {
        size_t prompts = (size_t)count - 2;
        options.max_new_tokens = 64;
        lines = distill_generate(model, (const char *const *)arguments + 2, prompts, &options, prompts == 1 ? show : NULL, NULL, &error);
        if (lines && prompts > 1) fputs(lines, stdout);
    }
    if (!lines) fprintf(stderr, "%s\n", error);
    distill_free(error);
    distill_free(lines);
    distill_close(model);
    return lines ? 0 : 1;
}
