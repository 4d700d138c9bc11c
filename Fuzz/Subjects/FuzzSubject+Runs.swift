import Distillation
import Foundation

extension FuzzSubject {
    /// The files of runs.
    static let runs: [FuzzSubject] = [
        FuzzSubject("settings", file: "settings.yaml") { _, file in
            let settings = try Settings(contentsOf: file)
            _ = try settings.yaml()
            _ = try? DistillRequest(settings, output: URL(filePath: "/dev/null"))
            _ = try? FineTuneRequest(settings)
        },
        FuzzSubject("report", file: "distillation.json") { _, file in
            _ = try? DistillRequest(Settings(contentsOf: file))
        },
        FuzzSubject("objective") { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            let objective = try ObjectiveSpecification(text: text)
            // Its description means the same.
            require(
                try ObjectiveSpecification(text: objective.description) == objective,
                "another objective comes back: \(objective)")
        },
        FuzzSubject("checkpoint-record", file: "state.json") { _, file in try CheckpointCheck.record(file) },
        FuzzSubject("checkpoint-sums", file: "SHA256SUMS", others: ["state.json": "{}"]) { directory, _ in
            try CheckpointCheck.open(directory)
        },
    ]
}
