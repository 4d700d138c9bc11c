// The C interface of the runtime: trained text classifiers, taggers, models of embeddings and language models on this machine's processors, without Python and libtorch.
//
// A model may be used by any number of threads at the same time. After fork() a child must not compute where its parent has, since the
// pool's threads do not go with it: fork before the first call, or start a program. Strings are UTF-8. A function that fails sets
// *error, where error is not null, to one line that names the file, tensor or text and says what to do; release it with distill_free.
#ifndef DISTILL_H
#define DISTILL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_model distill_model;

typedef struct distill_options {
    int32_t max_length;    // longer texts are cut to this many tokens, at most as many as the model has positions; 0 for the length of
                           // the model's training
    int32_t bfloat16;      // not 0: multiply in bfloat16, less exact and faster where the processor has it
    double threshold;      // the probability above which one of several labels is chosen; 0 for 0.5
    const char *aggregation;  // how a tagger's tokens become entities: none, simple, first, average, max; null for simple
    const char *prompt;       // of a model of embeddings the name of the prompt that stands before each text; null for the model's default
} distill_options;

// Opens a model directory in Hugging Face format, one of sentence-transformers, or a language model in a GGUF file; of a language model only bfloat16 may be set. `options` may be null. Null where it cannot be opened.
// distill_close must come after all calls with the model have returned; what they returned is the caller's, and stays.
distill_model *distill_open(const char *directory, const distill_options *options, char **error);
void distill_close(distill_model *model);

// The labels by their numbers; a name lives as long as the model, and is null for a number that is no label's.
size_t distill_label_count(const distill_model *model);
const char *distill_label(const distill_model *model, size_t index);

// The predictions for `count` texts, as `distill predict` writes them: a line of JSON for each, of an empty text with an error. `pairs` holds the second text of each
// pair; null for single texts. Release the result with distill_free. Null where it fails.
char *distill_predict(const distill_model *model, const char *const *texts, const char *const *pairs, size_t count, char **error);

// The logits of a sequence classifier, (count, labels), row after row; `logits` has room for as many numbers. 0, or -1 where it fails.
int32_t distill_logits(const distill_model *model, const char *const *texts, const char *const *pairs, size_t count, float *logits,
                       char **error);

// The components of a vector of a model of embeddings; 0 of another model.
size_t distill_dimension(const distill_model *model);

// The vectors of texts, (count, dimension), row after row; `vectors` has room for as many numbers. 0, or -1 where it fails.
int32_t distill_embed(const distill_model *model, const char *const *texts, size_t count, float *vectors, char **error);

// How a language model generates, by the names of transformers' generation_config.json.
typedef struct distill_generation_options {
    int32_t max_new_tokens;
    double temperature;         // 0 takes the most probable token each time
    int32_t top_k;              // 0 for all
    double top_p;               // 1 for all
    double min_p;               // 0 for all
    double repetition_penalty;  // 1 for none
    uint64_t seed;              // the same prompt and seed give the same text
    const char *const *stop;    // strings before which a text ends, beside the model's own; null for none
    size_t stop_count;
    int32_t chat;               // not 0: prompts are a user's messages, written by the model's chat template; 0: texts that go on
} distill_generation_options;

// The options that a language model's files ask for, with `chat` where it has a chat template. 0, or -1 where it fails.
int32_t distill_generation_defaults(const distill_model *model, distill_generation_options *options, char **error);

// Called with each piece of a text as soon as it is final, `length` bytes of whole characters that a zero follows; with no bytes at a
// text's end (`is_end` not 0). `prompt` is its prompt's index. Not 0 ends the generation with an error.
typedef int32_t (*distill_piece_callback)(void *context, size_t prompt, const char *piece, size_t length, int32_t is_end);

// The texts that follow `count` prompts, of which several are generated at once: a line of JSON for each ("text", "tokens", and
// "finish_reason", stop or length). `options` null for the model's, `callback` null for none. Release the result with distill_free.
// Null where it fails.
char *distill_generate(const distill_model *model, const char *const *prompts, size_t count, const distill_generation_options *options,
                       distill_piece_callback callback, void *context, char **error);

void distill_free(char *text);

// The threads of the pool that a call uses beside its own, its own counted; 0 for as many as this process has processors. Of several
// calls at the same time one has the pool, the others their own threads alone.
void distill_set_threads(int32_t count);

#ifdef __cplusplus
}
#endif

#endif
