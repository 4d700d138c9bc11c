// Classifies the texts that it is given: predict MODEL TEXT…
//
//   cc predict.c -I runtime/include -L runtime/lib -ldistill -lstdc++ -lm -lpthread -ldl -o predict
#include <stdio.h>

#include "distill.h"

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: predict MODEL TEXT...\n");
        return 64;
    }
    char *error = NULL;
    distill_model *model = distill_open(arguments[1], NULL, &error);
    if (!model) {
        fprintf(stderr, "%s\n", error);
        distill_free(error);
        return 1;
    }
    char *lines = distill_predict(model, (const char *const *)arguments + 2, NULL, (size_t)count - 2, &error);
    if (lines) fputs(lines, stdout);
    else fprintf(stderr, "%s\n", error);
    distill_free(error);
    distill_free(lines);
    distill_close(model);
    return lines ? 0 : 1;
}
