import ArgumentParser
import Distillation
import Foundation
import Testing

@testable import distill

@Suite("Options and configuration files")
struct SettingsTests {
    private func request(_ arguments: [String], yaml: String? = nil) throws -> DistillRequest {
        let scratch = try Scratch()
        let configuration = try yaml.map { ["--config", try scratch.write($0, to: "distill.yaml")] } ?? []
        return try RunCommand.parse(arguments + configuration).request()
    }

    private let required = ["--teacher", "t", "--train", "a.csv", "--output", "o"]

    @Test("the defaults are the recipe's")
    func defaults() throws {
        let request = try request(required)
        #expect(request.temperature == 4 && request.alpha == 0.7)
        #expect(request.training == TrainingArguments())
        #expect(request.training.numTrainEpochs == 3 && request.training.seed == 42)
        #expect(request.training.learningRate == 5e-5 && request.training.lrSchedulerType == .linear)
        #expect(request.student == StudentOptions() && request.data.validation == nil && !request.overwrite)
    }

    @Test("every option reaches its setting")
    func options() throws {
        let request = try request(
            required + [
                "--validation", "v.csv", "--text-column", "t", "--text-pair-column", "p", "--label-column",
                "l",
                "--max-length", "64", "--validation-split", "0.2", "--layers", "3", "--hidden-size", "96",
                "--intermediate-size", "200", "--attention-heads", "6", "--init", "teacher-layers",
                "--teacher-layers",
                "0,2,5", "--temperature", "2", "--alpha", "0.5", "--num-train-epochs", "1.5", "--max-steps",
                "7",
                "--per-device-train-batch-size", "8", "--per-device-eval-batch-size", "16",
                "--gradient-accumulation-steps", "2", "--learning-rate", "1e-4", "--lr-scheduler-type",
                "cosine",
                "--warmup-steps", "0.2", "--weight-decay", "0.1", "--adam-beta1", "0.8", "--adam-beta2",
                "0.9",
                "--adam-epsilon", "1e-6", "--max-grad-norm", "0", "--seed", "7", "--logging-steps", "3",
                "--no-group-by-length", "--overwrite", "--precision", "bfloat16", "--logging-dir", "logs",
            ])
        let training = request.training
        #expect(request.data.validation?.relativePath == "v.csv" && request.data.validationSplit == 0.2)
        #expect(
            request.data.columns.text == "t" && request.data.columns.pair == "p"
                && request.data.columns.label == "l")
        #expect(request.data.maxLength == 64)
        #expect(request.student.layers == 3 && request.student.hiddenSize == 96)
        #expect(request.student.intermediateSize == 200 && request.student.attentionHeads == 6)
        #expect(
            request.student.initialization == .teacherLayers && request.student.teacherLayers == [0, 2, 5])
        #expect(request.temperature == 2 && request.alpha == 0.5 && request.overwrite)
        #expect(request.precision == .bfloat16 && request.loggingDirectory?.relativePath == "logs")
        #expect(training.numTrainEpochs == 1.5 && training.maxSteps == 7)
        #expect(training.perDeviceTrainBatchSize == 8 && training.perDeviceEvalBatchSize == 16)
        #expect(training.gradientAccumulationSteps == 2 && training.learningRate == 1e-4)
        #expect(
            training.lrSchedulerType == .cosine && training.warmupSteps == 0.2 && training.weightDecay == 0.1)
        #expect(training.adamBeta1 == 0.8 && training.adamBeta2 == 0.9 && training.adamEpsilon == 1e-6)
        #expect(
            training.maxGradNorm == 0 && training.seed == 7 && training.loggingSteps == 3
                && !training.groupByLength)
        #expect(
            try self.request(required + ["--epochs", "2", "--batch-size", "4"]).training
                .perDeviceTrainBatchSize == 4)
        #expect(try self.request(required + ["--warmup-ratio", "0.3"]).training.warmupSteps == 0.3)
    }

    @Test("problem type, separator and unlabelled files are settings; the latter a list or one path")
    func problemTypes() throws {
        let plain = try request(required).data
        #expect(plain.problemType == nil && plain.columns.labelSeparator == "," && plain.unlabelled.isEmpty)
        let flags = try request(
            required + [
                "--problem-type", "multi_label_classification", "--label-separator", ";", "--unlabelled",
                "u.csv",
                "--unlabelled", "v.jsonl",
            ]
        ).data
        #expect(flags.problemType == .multiLabel && flags.columns.labelSeparator == ";")
        #expect(flags.unlabelled.map(\.relativePath) == ["u.csv", "v.jsonl"])
        let yaml = """
            problem_type: multi_label_classification
            label_separator: ";"
            unlabelled: [u.csv, v.jsonl]
            """
        #expect(try request(required, yaml: yaml).data == flags)
        let overridden = try request(required + ["--unlabelled", "w.csv"], yaml: yaml).data
        #expect(overridden.unlabelled.map(\.relativePath) == ["w.csv"])
        #expect(
            try request(required, yaml: "unlabelled: u.csv").data.unlabelled.map(\.relativePath) == ["u.csv"])
        for (wrong, part) in [
            ("problem_type: multi", "one of single_label_classification"),
            ("unlabelled: {a: b}", "a text, or a list of texts"), ("unlabelled: [[a]]", "a list of texts"),
            ("label_separator: [a]", "a text"),
        ] {
            let error = #expect(throws: UsageError.self) { try request(required, yaml: wrong) }
            #expect("\(error.map { "\($0)" } ?? "")".contains(part), "\(wrong)")
        }
        #expect(throws: (any Error).self) { try request(required + ["--problem-type", "multi"]) }
        let evaluate = try EvaluateCommand.parse([
            "--model", "m", "--data", "d.csv", "--label-separator", "|",
        ]).request()
        #expect(evaluate.columns.labelSeparator == "|")
        for option in [
            "label-separator", "text-column", "teacher-scores", "scores-column", "translation-column",
        ] {
            let arguments = ["--model", "m", "--choices", "q.jsonl", "--\(option)", "x"]
            let error = #expect(throws: (any Error).self) { try EvaluateCommand.parse(arguments) }
            let text = error.map { EvaluateCommand.message(for: $0) } ?? ""
            #expect(text.contains("--\(option) is of the texts of --data"), "\(text)")
        }
        _ = try EvaluateCommand.parse(["--model", "m", "--choices", "q.jsonl", "--max-length", "8"])
    }

    @Test("a file gives the same request as the flags, and flags override it")
    func file() throws {
        let yaml = """
            # A comment.
            teacher: t
            train: a.csv
            output: o
            layers: 3
            init: teacher-layers
            teacher_layers: [0, 2, 4]
            temperature: 2
            learning_rate: 1e-4
            lr_scheduler_type: cosine
            group_by_length: false
            seed: 7
            overwrite: true
            precision: float32
            """
        let fromFile = try request([], yaml: yaml)
        let fromFlags = try request(
            required + [
                "--layers", "3", "--init", "teacher-layers", "--teacher-layers", "0,2,4", "--temperature",
                "2",
                "--learning-rate", "1e-4", "--lr-scheduler-type", "cosine", "--no-group-by-length", "--seed",
                "7",
                "--overwrite",
            ])
        #expect(fromFile.training == fromFlags.training && fromFile.student == fromFlags.student)
        #expect(fromFile.data == fromFlags.data && fromFile.temperature == fromFlags.temperature)
        #expect(fromFile.output == fromFlags.output && fromFile.overwrite)
        #expect(fromFile.precision == .float32 && fromFlags.precision == .auto)
        let overridden = try request(
            ["--temperature", "8", "--output", "other", "--group-by-length"], yaml: yaml)
        #expect(overridden.temperature == 8 && overridden.output.relativePath == "other")
        #expect(overridden.training.groupByLength && overridden.training.seed == 7)
    }

    @Test(
        "a wrong file is refused with its line and what to do",
        arguments: [
            (
                "teacher: t\ntemprature: 2",
                "line 2: there is no setting 'temprature'; did you mean temperature?"
            ),
            (
                "teacher: t\nlearning-rate: 2",
                "line 2: there is no setting 'learning-rate'; did you mean learning_rate?"
            ),
            ("xyzzyqwerty: 1", "the settings are "),
            (
                "\ntemperature: hot",
                "line 2: temperature must be a number, linear(a, b), cosine(a, b) or step(a, b @ fraction, …), got hot"
            ),
            ("layers: 2.5", "line 1: layers must be a whole number, got 2.5"),
            ("overwrite: maybe", "overwrite must be true or false"),
            (
                "init: magic",
                "init must be one of random, teacher-layers, narrowed-teacher, projected-teacher, pruned, got magic"
            ),
            (
                "teacher_layers: [1, x]",
                "teacher_layers must be uniform, first, last, alternate, influence, loss-drop or a list"
            ),
            (
                "temperature: [1]",
                "temperature must be a number, linear(a, b), cosine(a, b) or step(a, b @ fraction, …), got"
            ),
            ("just words", "settings must be written as 'name: value'"),
            ("temperature: 'open", "this is not YAML"),
            ("seed: 1\nseed: 2", "this is not YAML"),
        ])
    func wrongFile(yaml: String, expected: String) throws {
        let error = #expect(throws: UsageError.self) { try request(required, yaml: yaml) }
        let message = try #require(error?.description)
        #expect(
            message.contains("distill.yaml") && message.contains(expected) && !message.contains("\n"),
            "\(message)")
    }

    @Test("the teacher's layers are a rule's name or a list, by flag and in a file")
    func teacherLayers() throws {
        for (text, expected) in [
            ("uniform", .choice(.uniform)), ("alternate", .choice(.alternate)), ("last", .choice(.last)),
            ("first", .choice(.first)), ("0,2,4", [0, 2, 4]), ("3", [3]), (" 1 , 0 ", [1, 0]),
        ] as [(String, TeacherLayers)] {
            #expect(try request(required + ["--teacher-layers", text]).student.teacherLayers == expected)
            #expect(
                try request(required, yaml: "teacher_layers: \"\(text)\"").student.teacherLayers == expected)
        }
        #expect(try request(required, yaml: "teacher_layers: [0, 2]").student.teacherLayers == [0, 2])
        #expect(
            try request(required, yaml: "teacher_layers: last\ninit: narrowed-teacher").student.initialization
                == .narrowed)
        for wrong in ["", "skip", "0,,2", "0,x"] {
            #expect(throws: (any Error).self) { try request(required + ["--teacher-layers", wrong]) }
        }
    }

    @Test("an empty file, and settings left empty, change nothing")
    func emptyFile() throws {
        #expect(try request(required, yaml: "").training == TrainingArguments())
        #expect(try request(required, yaml: "# nothing\n").training == TrainingArguments())
        #expect(try request(required, yaml: "seed:\nlayers: null\n").training.seed == 42)
    }

    @Test("finetune has its own settings")
    func fineTune() throws {
        let request = try FineTuneCommand.parse([
            "--model", "m", "--train", "a.csv", "--output", "o", "--ignore-mismatched-sizes", "--epochs", "2",
        ]).request()
        #expect(
            request.model.relativePath == "m" && request.ignoreMismatchedSizes
                && request.training.numTrainEpochs == 2)
        #expect(throws: (any Error).self) { try FineTuneCommand.parse(["--temperature", "2"]) }
    }

    @Test("suggestions are near, or there is none")
    func suggestions() {
        #expect(Suggestion.distance("kitten", "sitting") == 3 && Suggestion.distance("", "abc") == 3)
        #expect(Suggestion.nearest(to: "Alpha", among: ["alpha", "seed"]) == "alpha")
        #expect(Suggestion.nearest(to: "zzzz", among: ["alpha", "seed"]) == nil)
    }

    @Test("help of every command has examples; completions are made for every shell")
    func help() {
        for command in [RunCommand.self, FineTuneCommand.self, EvaluateCommand.self, PredictCommand.self]
            as [any ParsableCommand.Type]
        {
            #expect(Distill.helpMessage(for: command).contains("Examples:"))
        }
        for shell in [CompletionShell.bash, .zsh, .fish] {
            #expect(Distill.completionScript(for: shell).contains("finetune"))
        }
    }
}
