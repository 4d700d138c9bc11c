// Our side of `make benchmark-runtime`: the runtime's C library, from texts to logits.
//
//   runner MODEL TEXTS THREADS
//
// Reads requests from standard input, a line each, and answers each with a line: `latency N` and `bulk` by the seconds; `logits
// FILE` writes the logits of all texts.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "distill.h"

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what) {
    fprintf(stderr, "runner: %s\n", what);
    exit(1);
}

// The lines of a file, at most as many as there is room for.
static size_t read_lines(const char *path, char **lines, size_t room) {
    FILE *file = fopen(path, "r");
    if (!file) fail("the texts cannot be opened");
    char *line = NULL;
    size_t size = 0, count = 0;
    while (count < room && getline(&line, &size, file) > 0) {
        line[strcspn(line, "\n")] = 0;
        if (*line) lines[count++] = strdup(line);
    }
    free(line);
    fclose(file);
    return count;
}

static distill_model *model;

static void logits(char **texts, size_t count, float *values) {
    char *error = NULL;
    if (distill_logits(model, (const char *const *)texts, NULL, count, values, &error) != 0) fail(error);
}

int main(int count, char **arguments) {
    if (count != 4) fail("usage: runner MODEL TEXTS THREADS");
    enum { room = 100000 };
    static char *texts[room];
    size_t text_count = read_lines(arguments[2], texts, room);
    distill_set_threads(atoi(arguments[3]));
    distill_options options = {.max_length = 128};
    char *error = NULL;
    model = distill_open(arguments[1], &options, &error);
    if (!model) fail(error);
    size_t labels = distill_label_count(model);
    float *values = calloc(text_count * labels, sizeof(float));
    puts("{\"ready\": true}");
    fflush(stdout);

    char request[4096];
    while (fgets(request, sizeof request, stdin)) {
        request[strcspn(request, "\n")] = 0;
        if (strncmp(request, "latency ", 8) == 0) {
            printf("{\"seconds\": [");
            for (long index = 0; index < atol(request + 8); index++) {
                double start = now();
                logits(texts + index % text_count, 1, values);
                printf("%s%.9f", index > 0 ? ", " : "", now() - start);
            }
            puts("]}");
        } else if (strcmp(request, "bulk") == 0) {
            double start = now();
            logits(texts, text_count, values);
            printf("{\"seconds\": [%.9f]}\n", now() - start);
        } else if (strncmp(request, "logits ", 7) == 0) {
            logits(texts, text_count, values);
            FILE *file = fopen(request + 7, "w");
            if (!file || fwrite(values, sizeof(float), text_count * labels, file) != text_count * labels || fclose(file) != 0)
                fail("the logits cannot be written");
            puts("{}");
        } else fail("unknown request");
        fflush(stdout);
    }
}
