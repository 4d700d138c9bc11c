import ArgumentParser
import Distillation
import Exporters
import Transformers

/// The architecture and initialization of the student.
struct StudentOptionGroup: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A model directory to start the student from; or static, for a table of vectors by token: of a sentence-transformers teacher without texts, or with --train trained, of classifiers too.",
            valueName: "dir"),
        completion: .directory)
    var student: String?

    @Option(help: "The student's layers. (default: 6; of a language model two thirds of the teacher's)")
    var layers: Int?

    @Option(help: "The student's width. (default: 384; of a language model the teacher's)")
    var hiddenSize: Int?

    @Option(help: "The width inside its feed-forward layers. (default: the teacher's)")
    var intermediateSize: Int?

    @Option(
        help:
            "Its attention heads; they must divide the width. (default: the teacher's; with --init narrowed-teacher or projected-teacher, as many as keep their size)"
    )
    var attentionHeads: Int?

    @Option(
        help:
            "A decoder's heads of keys and values, with --init pruned; heads of queries stay with those that serve them. (default: the teacher's)"
    )
    var keyValueHeads: Int?

    @Option(
        name: .customLong("init"),
        help:
            "Its initialization: random, teacher-layers (a choice of the teacher's own), narrowed-teacher (the most important part of them, for smaller sizes), projected-teacher (smaller layers fitted to the teacher's hidden states on training texts: the best start for a narrow student), or pruned (its most important layers, neurons, heads and hidden dimensions by activations on training texts: for language models of smaller sizes, and for encoders). (default: random; of a language model teacher-layers)"
    )
    var initialization: StudentOptions.Initialization?

    @Option(
        help: ArgumentHelp(
            "The teacher's layers that it starts from: uniform, first, last, alternate, influence (those that change the hidden states most on training texts), loss-drop (those without which the outputs change most, by trying), or one for each, counted from 0. (default: uniform; of a language model influence; with --init pruned loss-drop)",
            valueName: "choice|0,2,4"),
        transform: { text in
            guard let layers = TeacherLayers(text) else {
                throw ValidationError(
                    "'\(text)' is neither uniform, first, last, alternate, influence, loss-drop nor a list of layers such as 0,2,4"
                )
            }
            return layers
        })
    var teacherLayers: TeacherLayers?

    @Flag(
        help:
            "Of a language model with byte-level BPE, keep those of the teacher's tokens alone that the training texts use, and the tokens of all bytes, so that any text can be written."
    )
    var trimVocabulary = false

    @Option(
        help:
            "The components of a text's vector, of a model for embeddings. (default: the teacher's; of a static student 256)"
    )
    var embeddingSize: Int?

    @Option(
        help:
            "The matrix from an embedding student's width to its teacher's: keep (a dense layer of the student, whose vectors can then be compared with the teacher's) or drop (used in training alone). (default: keep)"
    )
    var projection: VectorProjection?

    @Flag(
        inversion: .prefixedNo,
        help:
            "Teach the first principal components of the teacher's vectors on the training texts, as many as --embedding-size; of a static student keep those of the tokens' vectors. (default: of a static student --pca)"
    )
    var pca: Bool?

    @Option(
        help:
            "How an embedding student's tokens become one vector: mean, cls, max, mean_sqrt_len_tokens, weightedmean or lasttoken. (default: as the student's own modules, or else the teacher's)"
    )
    var pooling: PoolingMode?

    @Option(
        help:
            "The function that makes a score of a ranking student's logit, for programs that open it: identity or sigmoid. (default: identity)"
    )
    var scoreActivation: ScoreActivation?

    @Option(
        help: ArgumentHelp(
            "The probability of dropout in its training, of every part that has it. (default: 0 of a model for embeddings, or else its configuration's)",
            valueName: "fraction"))
    var dropout: Double?

    @Flag(
        help:
            "Train and evaluate it with the rounding of int8 weights and activations, for `distill quantize` afterwards."
    )
    var quantizeAware = false

    @Option(
        help: ArgumentHelp(
            "Train and evaluate a language model's student with the rounding of this type of GGUF file, for `distill export --format gguf --outtype` afterwards: \(GGUFOutputType.trained.map(\.rawValue).joined(separator: ", ")).",
            valueName: "type"),
        completion: .list(GGUFOutputType.trained.map(\.rawValue)))
    var quantizeAwareType: String?

    @Option(
        help: ArgumentHelp(
            "a of the weight a / (a + p) of a static student's token, whose probability p is taken from its rank; or none. (default: 1e-4)",
            valueName: "a|none"))
    var sif: String?

    @Option(
        help: ArgumentHelp(
            "The type in which a static student's table is stored: float16 or float32. (default: float16)",
            valueName: "type"))
    var tableType: String?

    @Flag(
        help:
            "Of a static student that is trained, learn a weight for each token beside its vector; it is multiplied into the row that is saved."
    )
    var tokenWeights = false

    @Option(
        help: ArgumentHelp(
            "Of a static classifier, the width of a layer with ReLU before the classifier. (default: none, a linear classifier)",
            valueName: "n"))
    var classifierHiddenSize: Int?

    func register(in settings: inout Settings) {
        settings.override("student", student)
        settings.override("layers", layers)
        settings.override("hidden_size", hiddenSize)
        settings.override("intermediate_size", intermediateSize)
        settings.override("attention_heads", attentionHeads)
        settings.override("key_value_heads", keyValueHeads)
        settings.override("init", initialization)
        settings.override("teacher_layers", teacherLayers)
        settings.override("trim_vocabulary", switch: trimVocabulary)
        settings.override("embedding_size", embeddingSize)
        settings.override("projection", projection)
        settings.override("pca", pca)
        settings.override("pooling", pooling)
        settings.override("score_activation", scoreActivation)
        settings.override("dropout", dropout)
        settings.override("sif", sif)
        settings.override("table_type", tableType)
        settings.override("token_weights", switch: tokenWeights)
        settings.override("classifier_hidden_size", classifierHiddenSize)
        settings.override("quantize_aware", switch: quantizeAware)
        settings.override("quantize_aware_type", quantizeAwareType)
    }
}

extension StudentOptions.Initialization: ExpressibleByArgument {}
extension VectorProjection: ExpressibleByArgument {}
extension PoolingMode: ExpressibleByArgument {}
extension ScoreActivation: ExpressibleByArgument {}
