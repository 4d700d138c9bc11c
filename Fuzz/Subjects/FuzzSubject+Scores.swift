import Datasets
import Foundation

extension FuzzSubject {
    /// The files of teachers' scores.
    static let scores: [FuzzSubject] = [
        scores("scores-jsonl", file: "scores.jsonl"), scores("scores-json", file: "scores.json"),
        scores("scores-csv", file: "scores.csv"),
    ]

    private static func scores(_ name: String, file: String) -> FuzzSubject {
        FuzzSubject(name, file: file) { _, file in
            for column in [nil, "scores"] {
                var options = ScoreStream.Options()
                options.scoresColumn = column
                // A small buffer, so that its ends are met.
                let stream = try ScoreStream(file, options: options, chunkSize: 64)
                while let row = try? stream.next() {
                    switch row.values {
                    case .named(let entries):
                        require(
                            !entries.isEmpty && entries.allSatisfy { $0.value.isFinite },
                            "scores that are no numbers")
                    case .positional(let values):
                        require(
                            !values.isEmpty && values.allSatisfy(\.isFinite), "scores that are no numbers")
                    }
                }
            }
        }
    }
}
