import ArgumentParser
import Distillation

/// The teachers, and the losses that the student is trained with.
struct TeachingOptions: ParsableArguments {
    @Option(
        name: .customLong("teacher"),
        help: ArgumentHelp(
            "The teacher: a directory that `distill finetune` made, any fine-tuned classifier, or a language model, also as a GGUF file. Several times for several teachers.",
            valueName: "dir"),
        completion: .directory)
    var teachers: [String] = []

    @Option(
        name: .customLong("teacher-scores"),
        help: ArgumentHelp(
            """
            In place of a teacher, or beside others: the scores that one gave for the training data, as .csv, .tsv, .jsonl, .json or \
            .parquet with logits, probabilities, log-probabilities, one label with confidence, or votes; as `distill label --output` and \
            `distill predict` write them. Matched by text, or by order: then again for --unlabelled, --validation and --test.
            """, valueName: "file"), completion: .file(extensions: dataFileExtensions))
    var teacherScores: [String] = []

    @Option(
        help: ArgumentHelp(
            "The key or column of the scores, or the beginning of the columns' names; without --teacher-scores a column of the data.",
            valueName: "name"))
    var scoresColumn: String?

    @Option(
        help: ArgumentHelp("The weights of several teachers, such as 2,1. (default: equal)", valueName: "2,1")
    )
    var teacherWeights: String?

    @Option(
        help: """
            The form in which a language model's teacher is kept. Its last hidden states, which give its whole distribution again: \
            float16 or int8, with a measured bound of the error for each token, or float32, bit for bit. Or top-k:64 (1 to 4096): \
            so many of the most probable tokens, and the rest as one. (default: float16)
            """)
    var teacherStates: TeacherStateCoding?

    @Option(
        name: .customLong("teacher-logprobs"),
        help: ArgumentHelp(
            """
            In place of a language model's own outputs: the log-probabilities that another gave for the training data, as JSON lines in the \
            form of OpenAI's and vLLM's answers, a line for each record. Again for --validation and --test.
            """, valueName: "file"), completion: .file(extensions: ["jsonl", "gz"]))
    var teacherLogprobs: [String] = []

    @Option(
        help:
            "The combination of several teachers: the mean of their probabilities, or of their logits. (default: probabilities)"
    )
    var teacherCombination: TeacherCombination?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Divides both sides' logits before the softmax: a number, or a schedule such as linear(8,1). (default: 4; for language models 1)",
            valueName: "T"))
    var temperature: Schedule?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The weight of the teacher's side; the labels' is 1 − alpha. (default: 0.7)", valueName: "alpha"))
    var alpha: Schedule?

    @Option(
        name: .customLong("objective"),
        help: ArgumentHelp(
            "In place of temperature and alpha: a loss by name, with weight and options. Several times for a sum.",
            valueName: "name(weight=1)"))
    var objectives: [String] = []

    @Option(help: "Mask this fraction of the words of a training text, anew in each epoch. (default: 0)")
    var maskProbability: Double?

    @Option(help: "Leave this fraction of the words of a training text out, anew in each epoch. (default: 0)")
    var wordDropout: Double?

    @Option(help: "The fraction of texts that are changed so. (default: 1)")
    var augmentationShare: Double?

    func register(in settings: inout Settings) {
        settings.override("teacher", teachers)
        settings.override("teacher_scores", teacherScores)
        settings.override("scores_column", scoresColumn)
        settings.override("teacher_weights", teacherWeights)
        settings.override("teacher_combination", teacherCombination)
        settings.override("teacher_states", teacherStates)
        settings.override("teacher_logprobs", teacherLogprobs)
        settings.override("temperature", temperature)
        settings.override("alpha", alpha)
        settings.override("objectives", objectives)
        settings.override("mask_probability", maskProbability)
        settings.override("word_dropout", wordDropout)
        settings.override("augmentation_share", augmentationShare)
    }
}

extension Schedule: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension TeacherStateCoding: ExpressibleByArgument {}
extension TeacherCombination: ExpressibleByArgument {}
