import ArgumentParser
import Distillation
import Foundation
import Testing

@testable import distill

@Suite("Several teachers, objectives and stages: options and configuration files")
struct TeachingSettingsTests {
    private func request(_ arguments: [String] = [], yaml: String? = nil) throws -> DistillRequest {
        let scratch = try Scratch()
        let configuration = try yaml.map { ["--config", try scratch.write($0, to: "distill.yaml")] } ?? []
        return try RunCommand.parse(["--train", "a.csv", "--output", "o"] + arguments + configuration)
            .request()
    }

    private func refusal(_ arguments: [String] = [], yaml: String? = nil) throws -> String {
        let error = #expect(throws: UsageError.self) { try request(arguments, yaml: yaml) }
        return error?.description ?? ""
    }

    @Test("several teachers from flags and from the file, with weights")
    func teachers() throws {
        let flags = try request([
            "--teacher", "a", "--teacher", "b", "--teacher-weights", "2, 1", "--teacher-combination",
            "logits",
        ])
        #expect(flags.teachers.map(\.directory.relativePath) == ["a", "b"])
        #expect(flags.teachers.map(\.weight) == [2, 1] && flags.combination == .logits)
        let yaml = """
            teachers:
              - directory: a
                weight: 2
              - b
            teacher_combination: logits
            """
        let file = try request(yaml: yaml)
        #expect(file.teachers == flags.teachers && file.combination == .logits)
        #expect(try request(yaml: "teacher: [a, b]\nteacher_weights: '2,1'").teachers == flags.teachers)
        // A teacher of the command line takes the place of the file's.
        #expect(
            try request(["--teacher", "c"], yaml: yaml).teachers.map(\.directory.relativePath) == ["c"])
        #expect(try request(["--teacher", "c"]).combination == .probabilities)
    }

    @Test("teachers that make no sense are refused with file and line")
    func wrongTeachers() throws {
        for (yaml, expected) in [
            ("teachers:\n  - a\n  - {directory: b, wieght: 2}", "line 3: a teacher has no setting 'wieght'"),
            ("teachers:\n  - {weight: 2}", "line 2: a teacher has no directory"),
            (
                "teachers:\n  - {directory: b, weight: much}",
                "line 2: a teacher's weight must be a number"
            ), ("teachers:\n  - [a, b]", "line 2: a teacher must be written as 'name: value' lines"),
        ] {
            let message = try refusal(yaml: yaml)
            #expect(message.contains("distill.yaml, ") && message.contains(expected), "\(message)")
        }
        let count = try refusal(["--teacher", "a", "--teacher", "b", "--teacher-weights", "1,2,3"])
        #expect(count.contains("teacher_weights must be 2 numbers") && count.contains("'1,2,3'"))
        #expect(try refusal().contains("--teacher is missing"))
    }

    @Test("objectives as texts and as mappings are the flags' objectives")
    func objectives() throws {
        let flags = try request([
            "--teacher", "t", "--objective", "kl(weight=0.7, temperature=linear(8,1))", "--objective",
            "hidden_mse(weight=10, layers=[1:2, 2:4])", "--objective", "cross_entropy",
        ])
        let expected: [ObjectiveSpecification] = [
            .init(
                "kl", weight: 0.7, options: ["temperature": "linear(8,1)"]),
            .init("hidden_mse", weight: 10, options: ["layers": "[1:2, 2:4]"]), .init("cross_entropy"),
        ]
        #expect(flags.objectives == expected)
        let yaml = """
            teacher: t
            objectives:
              - name: kl
                weight: 0.7
                temperature: linear(8,1)
              - hidden_mse(weight=10, layers=[1:2, 2:4])
              - cross_entropy
            """
        #expect(try request(yaml: yaml).objectives == expected)
        #expect(try request(["--objective", "dist"], yaml: yaml).objectives == [.init("dist")])
        let listed = try request(
            yaml: "teacher: t\nobjectives: {name: hidden_mse, layers: [[1, 2], [2, 4]]}")
        #expect(listed.objectives.map(\.options) == [["layers": "1:2, 2:4"]])
        #expect(throws: Never.self) { try DistillationRun(listed) }
    }

    @Test("stages with settings of their own")
    func stages() throws {
        let request = try request(
            yaml: """
                teacher: t
                learning_rate: 1e-4
                stages:
                  - name: layers
                    epochs: 2
                    learning_rate: 1e-3
                    lr_scheduler_type: cosine
                    warmup_steps: 0.2
                    objectives: [hidden_mse, attention_kl(weight=2)]
                  - max_steps: 7
                    objectives: {name: kl, temperature: 2}
                """)
        var layers = TrainingStage(
            name: "layers", objectives: [.init("hidden_mse"), .init("attention_kl", weight: 2)])
        layers.numTrainEpochs = 2
        layers.learningRate = 1e-3
        layers.lrSchedulerType = .cosine
        layers.warmupSteps = 0.2
        var logits = TrainingStage(objectives: [.init("kl", options: ["temperature": "2"])])
        logits.maxSteps = 7
        #expect(request.stages == [layers, logits] && request.training.learningRate == 1e-4)
        #expect(throws: Never.self) { try DistillationRun(request) }
    }

    @Test(
        "what is wrong with an objective or a stage is told with file and line",
        arguments: [
            ("objectives:\n  - kl\n  - {weight: 2}", "line 3: an objective has no name; add 'name: kl'"),
            (
                "objectives:\n  - kl(weight=2",
                "line 2: objective 'kl(weight=2': the last parenthesis is missing"
            ),
            ("objectives:\n  - kl(hot)", "line 2: objective kl: 'hot' is no option"),
            ("objectives:\n\n  - {name: kl, weight: heavy}", "line 3: "),
            ("objectives:\n  - {name: kl, temperature: {a: 1}}", "line 2: objective kl: temperature must be"),
            (
                "stages:\n  - {epochs: 2, objectve: kl}",
                "a stage has no setting 'objectve'; did you mean objectives?"
            ),
            ("stages:\n  - {epochs: many, objectives: kl}", "line 2: a stage's epochs must be a number"),
            ("stages:\n  - just words", "line 2: a stage must be written as 'name: value' lines"),
            ("stages:\n  - name: a\n    objectives: [{temperature: 2}]", "an objective has no name"),
        ])
    func wrong(yaml: String, expected: String) throws {
        let message = try refusal(["--teacher", "t"], yaml: yaml)
        #expect(
            message.contains("distill.yaml, line ") && message.contains(expected) && !message.contains("\n"),
            "\(message)")
    }

    @Test("names and options that no objective has are told before a run begins, all at once")
    func unknown() throws {
        let several = try request(
            yaml: """
                teacher: t
                stages:
                  - objectives: [kll, {name: kl, temprature: 2}]
                  - {name: empty, objectives: []}
                """)
        let error = #expect(throws: PreflightError.self) { try DistillationRun(several) }
        let message = error?.description ?? ""
        for part in ["'kll'", "did you mean kl", "temprature", "stage empty has no objectives"] {
            #expect(message.contains(part), "\(message)")
        }
        let both = try request(["--teacher", "t", "--objective", "kl"], yaml: "stages: [{objectives: kl}]")
        let refusal = #expect(throws: DistillationError.self) { try DistillationRun(both) }
        #expect(refusal?.description.contains("not both") == true)
    }

    @Test("what is trained with reaches its setting")
    func options() throws {
        let flags = try request([
            "--teacher", "t", "--class-weights", "balanced", "--label-smoothing-factor", "0.1",
            "--eval-steps",
            "50", "--metric-for-best-model", "macro_f1", "--early-stopping-patience", "2",
            "--early-stopping-threshold", "0.01", "--layerwise-lr-decay", "0.9", "--ema-decay", "0.99",
            "--lr-scheduler-type", "one_cycle", "--baseline", "--seeds", "3", "--test", "test.csv",
            "--mask-probability", "0.1", "--word-dropout", "0.2", "--augmentation-share", "0.5",
            "--dropout", "0.05",
        ])
        let yaml = """
            teacher: t
            class_weights: balanced
            label_smoothing_factor: 0.1
            eval_steps: 50
            metric_for_best_model: macro_f1
            early_stopping_patience: 2
            early_stopping_threshold: 0.01
            layerwise_lr_decay: 0.9
            ema_decay: 0.99
            lr_scheduler_type: one_cycle
            baseline: true
            seeds: 3
            test: test.csv
            mask_probability: 0.1
            word_dropout: 0.2
            augmentation_share: 0.5
            dropout: 0.05
            """
        for request in [flags, try request(yaml: yaml)] {
            let training = request.training
            #expect(training.classWeights == "balanced" && training.labelSmoothingFactor == 0.1)
            #expect(training.evalSteps == 50 && training.metricForBestModel == "macro_f1")
            #expect(training.earlyStoppingPatience == 2 && training.earlyStoppingThreshold == 0.01)
            #expect(training.layerwiseLrDecay == 0.9 && training.emaDecay == 0.99)
            #expect(training.lrSchedulerType == .oneCycle)
            #expect(request.student.dropout == 0.05)
            #expect(request.baseline && request.seeds == 3 && request.test?.relativePath == "test.csv")
            #expect(
                try request.augmentation
                    == Augmentation(maskProbability: 0.1, wordDropout: 0.2, share: 0.5))
        }
    }
}
