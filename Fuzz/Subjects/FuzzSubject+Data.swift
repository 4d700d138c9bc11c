import Datasets
import Foundation

extension FuzzSubject {
    /// The files of examples.
    static let data: [FuzzSubject] = [
        rows(
            "csv", file: "data.csv",
            seeds: ["Tests/DatasetsTests/Fixtures/quoted.csv", "Tests/InteropTests/Fixtures/reviews.csv"]),
        rows("csv-gz", file: "data.csv.gz", seeds: ["Tests/DatasetsTests/Fixtures/members.csv.gz"]),
        rows("tsv", file: "data.tsv", seeds: ["Tests/DatasetsTests/Fixtures/tabs.tsv"]),
        rows("jsonl", file: "data.jsonl", seeds: ["Tests/DatasetsTests/Fixtures/plain.jsonl"]),
        rows("json", name: "json-data", file: "data.json"),
        tagged("conll", file: "data.conll"),
        tagged("tagged-jsonl", file: "data.jsonl"),
    ]

    private static func rows(
        _ format: String, name: String? = nil, file: String, seeds: [String] = []
    ) -> FuzzSubject {
        FuzzSubject(name ?? format, file: file, seeds: seeds) { _, file in
            for form in DatasetOptions.LabelForm.allCases {
                var options = DatasetOptions()
                options.labelForm = form
                options.allowsUnlabeled = true
                // A small buffer, so that its ends are met.
                let stream = try TextStream(file, options: options, chunkSize: 64)
                var count = 0
                while let row = try stream.next() { count += 1 + row.text.utf8.count * 0 }
                _ = count
            }
        }
    }

    private static func tagged(_ name: String, file: String) -> FuzzSubject {
        FuzzSubject(name, file: file) { _, file in
            let stream = try TaggedStream(file, chunkSize: 64)
            while let row = try stream.next() { _ = row }
        }
    }
}
