import Exporters
import Foundation
import Testing

@testable import Distillation
@testable import Transformers

/// What a model card says of how its figures and its model came about.
@Suite("Model cards")
struct ModelCardTests {
    private func evaluation(parameters: Int = 1000, bytes: Int = 4000) -> ModelEvaluation {
        var values = MetricValues()
        values[.perplexity] = 12.5
        return ModelEvaluation(
            problemType: .causalLanguageModel, metrics: values, examples: 10, parameters: parameters,
            bytesOnDisk: bytes)
    }

    private func report(_ change: (inout RunReport) -> Void) -> RunReport {
        let data = DataRecord(path: "/data/validation.jsonl", examples: 10, sha256: "")
        var report = RunReport(
            command: "run", output: "/models/student", labels: [],
            settings: RunReport.Settings(
                teacher: "/models/teacher",
                studentConfiguration: RunReport.Sizes(
                    layers: 2, hiddenSize: 16, intermediateSize: 32, attentionHeads: 2, vocabularySize: 100),
                maxLength: 64, training: TrainingArguments(), device: "cpu", precision: .float32),
            train: data, validation: data, teacher: evaluation(), student: evaluation(), epochs: [],
            bestEpoch: 1.5, interrupted: false, steps: 3, phases: [], versions: .current)
        change(&report)
        return report
    }

    @Test("a teacher that is known by its scores has no weights, and all of its files' names")
    func scores() {
        let told = report {
            $0.settings.teacher = "/data/zs.jsonl, /data/zst.jsonl"
            $0.teacher = evaluation(parameters: 0, bytes: 0)
        }
        let text = ModelCard(report: told).text
        #expect(text.contains("| parameters |  | 1000 |") && text.contains("| bytes of weights |  | 4000 |"))
        #expect(text.contains("distilled from `zs.jsonl`, `zst.jsonl`"))
    }

    @Test("the epochs that were trained, and weights of objectives without digits that say nothing")
    func training() throws {
        let objective = try ObjectiveSpecification(text: "cross_entropy(weight = 0.30000000000000004)")
        let short = report {
            $0.settings.stages = [TrainingStage(objectives: [objective])]
            $0.settings.training.maxSteps = 3
            $0.epochs = [
                EpochMetrics(
                    epoch: 1.5, step: 3, trainLoss: 0.25, trainTerms: ["kl": 1], train: MetricValues(),
                    validation: MetricValues(), isBest: true, seconds: 2, examplesPerSecond: 113)
            ]
        }
        let text = ModelCard(report: short).text
        #expect(text.contains("- epochs: 1.5, the best after 1.5\n"))
        #expect(text.contains("`cross_entropy(weight = 0.3)`"))
        #expect(!text.contains("LoRA") && !text.contains("rounded"))
    }

    @Test("a perplexity beyond all sizes has four digits")
    func large() {
        let diverged = report { $0.student.metrics[.perplexity] = 19_023_069_770_858.4922 }
        #expect(ModelCard(report: diverged).text.contains("| perplexity | 12.5000 | 1.902e+13 |"))
    }

    @Test("low-rank adapters are told with their rank and the layers that they adapt")
    func adapters() {
        let adapted = report {
            var adapters = LoRAOptions(rank: 4)
            adapters.targets = ["q_proj", "v_proj"]
            $0.settings.training.lora = adapters
        }
        let text = ModelCard(report: adapted).text
        #expect(
            text.contains(
                "- low-rank adapters (LoRA): rank 4, alpha 8, on `q_proj`, `v_proj`; merged into the weights\n"
            ))
    }

    @Test("figures of rounded weights are told as such, in the text and in the model index")
    func rounded() {
        let text = ModelCard(report: report { $0.settings.quantizeAwareType = .q40 }).text
        #expect(
            text.contains("rounded to q4_0, as `distill export --format gguf --outtype q4_0` writes them"))
        #expect(text.contains("name: Perplexity of weights rounded to q4_0"))
    }

    @Test("other tokens than the teacher's are told with what can be compared")
    func tokens() {
        let apart = report {
            $0.alignment = RunReport.TokenAlignment(coverage: 0.9, singleTokenSpans: 0.8, sharedTokens: 7)
        }
        #expect(ModelCard(report: apart).text.contains("The teacher's tokenizer gives other tokens"))
    }
}
