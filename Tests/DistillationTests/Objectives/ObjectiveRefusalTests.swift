import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("Objectives refuse what they cannot compute, by name")
struct ObjectiveRefusalTests {
    private func message(_ text: String, _ models: ObjectiveModels? = nil) -> String {
        let error = #expect(throws: DistillationError.self, "\(text)") {
            let objective = try objective(text)
            if let models { _ = try objective.prepare(models) }
        }
        return error?.description ?? ""
    }

    private func expect(_ message: String, _ parts: String...) {
        for part in parts { #expect(message.contains(part), "\(message)") }
    }

    @Test(
        "unknown options, with those that there are",
        arguments: ObjectiveRegistry.standard.entries.map(\.name))
    func unknownOption(_ name: String) throws {
        let options = try #require(ObjectiveRegistry.standard[name]).options.map(\.name)
        let message = message("\(name)(colour = 3)")
        expect(message, "objective \(name)", "'colour'", "weight")
        for option in options { expect(message, option) }
    }

    @Test("a mistyped option's nearest")
    func nearestOption() {
        expect(message("kl(temprature = 3)"), "did you mean temperature?")
    }

    @Test(
        "values that an option cannot have",
        arguments: [
            ("kl(temperature = 0)", "temperature must be above 0, got '0'"),
            ("kl(temperature = linear(4, -1))", "temperature must be above 0"),
            ("kl(temperature = 1e-40)", "temperature must be from 0.0001 to 1000.0"),
            ("dist(temperature = linear(1, 1e-20))", "temperature must be from 0.0001"),
            ("skew_kl(temperature = linear(1e20, 1))", "temperature must be from 0.0001"),
            ("infonce(temperature = 1e-40)", "temperature must be from 0.0001"),
            ("list_kl(temperature = 1e-40)", "temperature must be from 0.0001"),
            ("kl(temperature = warm)", "temperature must be a number, linear(a, b)"),
            (
                "kl(direction = sideways)",
                "direction must be forward, reverse or jensen_shannon, got 'sideways'"
            ),
            ("kl(beta = 0.2)", "beta belongs to direction = jensen_shannon"),
            ("jensen_shannon(beta = 1)", "beta must be a number above 0 and below 1, got '1'"),
            ("dkd(alpha = -1)", "alpha must be a number of at least 0"),
            ("dkd(beta = nan)", "beta must be a number of at least 0"),
            ("dist(gamma = x)", "gamma must be a number of at least 0"),
            ("cross_entropy(label_smoothing = 1)", "label_smoothing must be a number from 0 up to"),
            ("cross_entropy(class_weights = heavy)", "class_weights must be none, balanced or numbers"),
            ("cross_entropy(class_weights = [1, -2])", "class_weights must be none, balanced or numbers"),
            ("binary_cross_entropy(pos_weight = [])", "pos_weight must be none, balanced or numbers"),
            ("labels(pos_weight = big)", "pos_weight must be none, balanced or numbers"),
            ("labels(label_smoothing = 2)", "label_smoothing must be"),
            ("soft_labels(temperature = -1)", "temperature must be above 0"),
            ("hidden_mse(projection = maybe)", "projection must be auto, always or none, got 'maybe'"),
            ("hidden_mse(layers = odd)", "layers must be uniform, skip, last, final or pairs"),
            ("hidden_mse(layers = [1:2, 3])", "layers must be uniform, skip, last, final or pairs"),
            ("hidden_mse(layers = [])", "layers must be uniform, skip, last, final or pairs"),
            ("attention_kl(heads = both)", "heads must be same or match, got 'both'"),
            ("minilm(teacher_layer = last)", "teacher_layer must be a whole number"),
            ("minilm(value_weight = -1)", "value_weight must be a number of at least 0"),
            ("minilm_v2(relation_heads = 0)", "relation_heads must be a whole number of at least 1, or auto"),
            ("minilm_v2(query_weight = 0, key_weight = 0, value_weight = 0)", "all of its weights are 0"),
            ("rkd_angle(feature = pooled)", "feature must be logits, cls or mean, got 'pooled'"),
            ("infonce(dimension = 0)", "dimension must be a whole number of at least 1"),
            ("infonce(symmetric = yes)", "symmetric must be true or false, got 'yes'"),
        ])
    func badValue(_ text: String, _ expected: String) {
        expect(message(text), expected, "objective \(text.prefix { $0 != "(" })")
    }

    @Test(
        "softmax losses refuse other kinds of labels and name the right one",
        arguments: [
            "kl", "reverse_kl", "jensen_shannon", "soft_cross_entropy", "dkd", "dist", "standardized_kl",
        ])
    func problemTypes(_ name: String) throws {
        expect(
            message(name, try .tiny(problemType: .multiLabel)), "\(name) does not fit", "multi_label",
            "use soft_binary_cross_entropy")
        expect(
            message(name, try .tiny(problemType: .regression)), "\(name) does not fit", "regression",
            "use logits_mse")
    }

    @Test(
        "losses of labels refuse other kinds and name the right one",
        arguments: [
            ("soft_binary_cross_entropy", TaskIdentifier.singleLabel, "use kl"),
            ("soft_binary_cross_entropy", .regression, "use logits_mse"),
            ("cross_entropy", .multiLabel, "use binary_cross_entropy"),
            ("cross_entropy", .regression, "use mse"),
            ("binary_cross_entropy", .singleLabel, "use cross_entropy"),
            ("binary_cross_entropy", .regression, "use mse"),
            ("mse", .singleLabel, "use cross_entropy"),
            ("mse", .multiLabel, "use binary_cross_entropy"),
        ])
    func labelKinds(_ name: String, _ type: TaskIdentifier, _ expected: String) throws {
        expect(message(name, try .tiny(problemType: type)), name, type.rawValue, expected)
    }

    @Test("an alias refuses the options that its choice lacks")
    func aliasOptions() throws {
        expect(
            message("labels(pos_weight = balanced)", try .tiny()), "objective labels", "'pos_weight'",
            "label_smoothing")
        expect(
            message("labels(label_smoothing = 0.1)", try .tiny(problemType: .multiLabel)), "objective labels",
            "'label_smoothing'")
        expect(
            message("soft_labels(temperature = 2)", try .tiny(problemType: .regression)),
            "objective soft_labels", "'temperature'")
    }

    @Test("weights that do not fit the classes")
    func classWeights() throws {
        expect(
            message("cross_entropy(class_weights = [1, 2])", try .tiny()), "2 numbers for 5 classes")
        expect(
            message("cross_entropy(class_weights = balanced)", try .tiny()), "class_weights = balanced",
            "5 classes, but there are 0")
    }

    private static let tokenwise = [
        "hidden_mse", "hidden_cosine", "pkd", "embedding_mse", "attention_score_mse", "attention_kl",
        "minilm",
        "minilm_v2",
    ]
    private static let relations = ["rkd_distance", "rkd_angle", "similarity_preserving", "infonce"]

    @Test("token by token where the tokens differ", arguments: tokenwise)
    func tokensDiffer(_ name: String) throws {
        let models = try ObjectiveModels.tiny(tokensDiffer: "the student has another tokenizer")
        expect(
            message(name, models),
            "\(name) compares token by token, but the student has another tokenizer; use losses on logits (kl,"
        )
    }

    @Test("hidden states of differing tokens, but not logits", arguments: relations)
    func featuresDiffer(_ name: String) throws {
        let models = try ObjectiveModels.tiny(tokensDiffer: "there are several teachers")
        expect(message(name, models), name, "but there are several teachers; set feature = logits")
        let needs = try objective("\(name)(feature = logits)").prepare(models)
        #expect(needs == ObjectiveNeeds(teacherLogits: true))
    }

    @Test(
        "no teacher",
        arguments: tokenwise + relations + [
            "kl", "logits_mse", "dkd", "dist", "soft_labels", "standardized_kl", "soft_cross_entropy",
        ])
    func noTeacher(_ name: String) throws {
        expect(
            message(name, try .tiny(hasTeacher: false)), "\(name) compares with a teacher, but there is none")
    }

    @Test("labels need no teacher", arguments: ["labels", "cross_entropy"])
    func labelsAlone(_ name: String) throws {
        let needs = try objective(name).prepare(.tiny(hasTeacher: false))
        #expect(needs == ObjectiveNeeds(labels: true))
    }

    @Test(
        "widths that differ without a projection",
        arguments: ["hidden_mse", "hidden_cosine", "pkd", "embedding_mse", "infonce"])
    func widths(_ name: String) throws {
        expect(
            message("\(name)(projection = none)", try .tiny()), name, "width 8", "12", "projection = auto")
    }

    @Test("heads that differ", arguments: ["attention_score_mse", "attention_kl", "minilm"])
    func heads(_ name: String) throws {
        expect(message(name, try .tiny()), name, "2 attention heads", "teacher 4", "minilm_v2")
    }

    @Test("relation heads that divide only one width")
    func relationHeads() throws {
        expect(
            message("minilm_v2(relation_heads = 3)", try .tiny()), "relation_heads = 3 does not divide",
            "student's width 8", "common divisor of 8 and 12")
        expect(
            message("minilm_v2(relation_heads = 8)", try .tiny()), "teacher's width 12")
    }

    @Test("layers that there are not")
    func layers() throws {
        expect(
            message("hidden_mse(layers = [3:4])", try .tiny()), "hidden state 3 of the student", "0 to 2")
        expect(
            message("hidden_mse(layers = [1:-6])", try .tiny()), "hidden state -6 of the teacher", "0 to 4")
        expect(message("attention_kl(heads = match, layers = [2:0])", try .tiny()), "layer 2", "0 to 1")
        expect(message("hidden_mse(layers = [1:2, 1:-3])", try .tiny()), "pair 1:2 twice")
        expect(
            message("hidden_mse", try .tiny(layers: (4, 2))), "4 layers cannot be spread over the teacher's 2"
        )
        expect(message("pkd", try .tiny(layers: (1, 2))), "leave out the last layer")
        expect(message("minilm_v2(teacher_layer = 4)", try .tiny()), "no layer 4", "0 to 3")
        expect(message("minilm_v2(teacher_layer = -5)", try .tiny()), "no layer -5")
    }

    @Test(
        "batches without anything to compare",
        arguments: [
            ("rkd_distance", 1, 2), ("rkd_angle", 2, 3), ("similarity_preserving", 1, 2), ("infonce", 1, 2),
            ("dist", 1, 2),
        ])
    func batchSize(_ name: String, _ size: Int, _ least: Int) throws {
        expect(
            message(name, try .tiny(hidden: (8, 8), batchSize: size)), name, "at least \(least)", "\(size)")
        _ = try objective(name).prepare(.tiny(hidden: (8, 8), batchSize: least))
    }

    @Test("a loss before anything is prepared", arguments: tokenwise + relations + ["labels", "soft_labels"])
    func unprepared(_ name: String) throws {
        let objective = try objective(name)
        let batch = ObjectiveBatch(
            student: ModelOutput(logits: try .zeros([2, 5])), labels: try BatchLabels(classes: [0, 1]),
            offsets: [0, 1, 2])
        let error = #expect(throws: DistillationError.self) { try objective.loss(batch) }
        #expect(error?.description == "\(name): call prepare(_:) before loss(_:)")
    }
}
