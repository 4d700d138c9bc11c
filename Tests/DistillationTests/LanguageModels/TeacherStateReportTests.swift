import Datasets
import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

/// What each form of a teacher's states takes and loses, for a model and texts that the environment names; prints the table of
/// docs/language-models.md:
///
///     TEACHER_STATES_MODEL=model.gguf TEACHER_STATES_DATA=chats.jsonl swift test --filter TeacherStateReportTests
@Suite(
    "Measured forms of a language model's teacher",
    .enabled(if: ProcessInfo.processInfo.environment["TEACHER_STATES_MODEL"] != nil))
struct TeacherStateReportTests {
    private static let examples = 24

    @Test("bytes, divergence and its bound of each form")
    func measure() throws {
        let environment = ProcessInfo.processInfo.environment
        let model = URL(filePath: try #require(environment["TEACHER_STATES_MODEL"]))
        let file = URL(filePath: try #require(environment["TEACHER_STATES_DATA"]))
        let loaded = try LoadedModel(model, languageModels: true)
        let text = try #require(try loaded.languageModelText(DataColumns(), maxLength: 512))
        let whole = try DatasetLoader(
            options: DataColumns().options, tokenizer: loaded.tokenizer,
            tokenizerDirectory: loaded.tokenizerDirectory, maxLength: 512, root: nil,
            memo: DigestMemo(root: nil),
            warn: { _ in }, languageModel: text
        ).load(file, labels: .ignored, problemType: .causalLanguageModel).dataset
        let dataset = whole.subset(Array(0..<min(Self.examples, whole.count)))
        let exact = try states(.float32, loaded, dataset)
        let tokens = dataset.rowCount
        print(
            "\(tokens) tokens; mean and largest KL(teacher ‖ kept), mean ε²/2 | mean mass of the tokens kept")
        for coding in [TeacherStateCoding.float32, .float16, .int8] {
            let kept = coding == .float32 ? exact : try states(coding, loaded, dataset)
            let (divergences, bounds) = try divergences(of: kept, coding, from: exact, loaded, dataset)
            // Float32 itself rounds the logits.
            #expect(zip(divergences, bounds).allSatisfy { $0 <= $1 + 1e-5 })
            let mean = divergences.reduce(0, +) / Double(tokens)
            print(
                String(
                    format: "| %@ | %d | %.1e | %.1e | %.1e |", coding.description,
                    loaded.outputForm(coding).rowBytes, mean, divergences.max() ?? 0,
                    bounds.reduce(0, +) / Double(tokens)))
        }
        for count in [16, 64, 256] {
            let form = loaded.outputForm(.topK(count))
            let kept = try states(.topK(count), loaded, dataset)
            let mass = (0..<tokens).reduce(0.0) {
                $0 + 1 - exp(Double(kept.values[($1 + 1) * form.width - 1]))
            }
            print(
                String(
                    format: "| top-k:%d | %d | %.1f %% |", count, form.rowBytes, 100 * mass / Double(tokens)))
        }
    }

    private func states(
        _ coding: TeacherStateCoding, _ model: LoadedModel, _ dataset: EncodedDataset
    ) throws -> Logits {
        try #require(
            try Inference.rows(
                .teaching(model.model, as: coding), model.model, dataset, batchSize: 4, precision: .float32,
                of: model.directory.path, processes: nil, shouldStop: { false }))
    }

    /// Each token's KL(teacher ‖ kept), and ε² / 2.
    private func divergences(
        of kept: Logits, _ coding: TeacherStateCoding, from exact: Logits, _ model: LoadedModel,
        _ dataset: EncodedDataset
    ) throws -> ([Double], [Double]) {
        let weight = try model.model.languageModelHead.to(.float32)
        let targets = try dataset.targets.batchLabels().targets
        let (own, whole) = (
            TeacherStates(states: kept, coding: coding, weight: weight),
            TeacherStates(states: exact, coding: .float32, weight: weight)
        )
        let rows = Array(0..<dataset.rowCount)
        let student = try #require(try own.distribution(of: rows, device: .cpu).head)
        let loss = try withNoGrad {
            try FusedLoss(
                student: .init(hidden: student.hidden, weight: weight),
                teacher: whole.distribution(of: rows, device: .cpu).head, targets: targets,
                terms: [LossTerm(.kl)], statistics: true)
        }
        let values: [Float] = try #require(try loss.statistics?.divergence).array()
        let bounds = rows.map { row in
            let epsilon = Double(coding.certificate(kept[row]))
            return epsilon * epsilon / 2
        }
        return (values.map(Double.init), bounds)
    }
}
