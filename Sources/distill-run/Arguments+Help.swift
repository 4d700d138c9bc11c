extension Arguments {
    static let help = """
        distill-run: what a trained model makes of texts: predictions, a JSON line for each, as `distill predict` writes them; of a
        language model the texts that follow, as `distill generate` writes them.

        USAGE: distill-run <model> [<file>] [options]

          <model>               A model directory in Hugging Face format: a text classifier, regressor or tagger, a model of
                                embeddings that sentence-transformers can open, or a language model; or a language model's
                                GGUF file.
          <file>                Plain text, a text or prompt a line; standard input where it is - or left out.

        OPTIONS:
          --pairs               Each line holds two texts, separated by a tab.
          --max-length <n>      Longer texts are cut to this many tokens (default: as in the model's training).
          --threshold <p>       The probability above which one of several labels is chosen (default: 0.5).
          --aggregation <how>   How a tagger's tokens become entities: none, simple, first, average, max (default: simple).
          --prompt <name>       Of a model of embeddings the prompt that stands before each text (default: the model's).
          --output <file>       A file in place of standard output, there whole or not at all: lines of JSON (.jsonl), or of a model
                                of embeddings the vectors alone (.npy, .safetensors).
          --bfloat16            Multiply in bfloat16: less exact, faster where the processor has it.
          --threads <n>         Threads to compute on (default: as many as this process has processors).
          --version             The version.
          --help                This text.

        OF A LANGUAGE MODEL:
          --prompt <text>       A prompt in place of <file>, whose text is written as it comes; several times for several, whose texts
                                are lines of JSON, as those of a file's prompts are.
          --chat, --no-chat     Take prompts for a user's messages, or for texts that go on (default: messages where the model has a
                                chat template).
          --max-new-tokens <n>  The most tokens of a text (default: the model's, or 256).
          --temperature <t>     Divides the logits; 0 takes the most probable token each time (default: the model's, or 0).
          --top-k <n>           Choose among this many most probable tokens (default: the model's, or all).
          --top-p <p>           Choose among the most probable tokens that together have this probability (default: the model's, or 1).
          --min-p <p>           Leave out tokens below this fraction of the most probable one's probability (default: 0).
          --repetition-penalty <f>  Make tokens that were there less probable by this factor (default: the model's, or 1).
          --stop <text>         A string before which a text ends; several times for several.
          --seed <n>            The seed of the random choices (default: 42).
          --int8                Round weights to blocks of 32 numbers of eight bits with a scale (Q8_0) as they are read: a fourth of the
                                memory, hardly less exact.
          --int4                The same with four bits (Q4_0): an eighth of the memory, far less exact.
          --batch-size <n>      Texts that are generated at a time (default: 8).

        Lines of which none is a text (empty, or not two texts with --pairs) have an error in place of a prediction; the exit
        code is 0 all the same. Data files (CSV, JSON lines, Parquet) are for `distill predict` and `distill generate`.
        """
}
