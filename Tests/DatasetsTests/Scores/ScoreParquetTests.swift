#if Parquet
    import Foundation
    import JSON
    import Testing

    @testable import Datasets

    /// Scores in Parquet, held to the numbers that pyarrow reads (`scripts/fixtures/scores_parquet.py`).
    @Suite("Scores in Parquet")
    struct ScoreParquetTests {
        private static let folder = Support.fixtures.appending(path: "ScoresParquet")

        private func rows(_ name: String, column: String? = nil) throws -> [ScoreRow] {
            var options = ScoreStream.Options()
            options.scoresColumn = column
            let stream = try ScoreStream(
                Self.folder.appending(path: name + ".parquet"), options: options)
            var rows: [ScoreRow] = []
            while let row = try stream.next() { rows.append(row) }
            return rows
        }

        @Test(
            "lists of numbers of every width are arrays in the order of the classes",
            arguments: ["float64", "float32", "float16", "large", "fixed", "integers"])
        func lists(_ name: String) throws {
            let url = Self.folder.appending(path: "expected.json")
            let expected = try #require(JSONValue.load(contentsOf: url).objectValue?[name]?.arrayValue)
            let rows = try rows(name)
            #expect(rows.count == expected.count)
            for (index, (row, golden)) in zip(rows, expected).enumerated() {
                #expect(row.text == "text \(index)")
                let numbers = (golden.arrayValue ?? []).compactMap(\.doubleValue).map(Float.init)
                guard case .positional(let values) = row.values else {
                    Issue.record("\(row.values)")
                    continue
                }
                #expect(values.map(Float.init) == numbers)
            }
        }

        @Test(
            "what is no list of numbers is an error that names its row or the column's type",
            arguments: [
                ("null", "row 5: 'logits' must be arrays"),
                ("null_number", "row 5: a score of 'logits' must be a finite number, got null"),
                ("infinite", "row 5: a score of 'logits' must be a finite number"),
                ("empty", "row 5: 'logits' is empty"),
                ("struct", "the column 'probabilities' is of type struct<a: double"),
                ("struct_beside", "the column 'probabilities' is of type struct<a: double"),
                ("decimal", "the column 'score_a' is of type decimal"),
            ])
        func refusals(_ name: String, _ part: String) {
            let error = #expect(throws: DatasetError.self) { _ = try rows(name) }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }

        @Test("a column that is named is not another one")
        func named() throws {
            let error = #expect(throws: DatasetError.self) {
                _ = try rows("struct_beside", column: "probabilities")
            }
            #expect(error?.description.contains("is of type struct") == true)
            #expect(
                try rows("struct_beside", column: "score").map(\.values).first == .named([.init("a", 0.9)]))
        }
    }
#endif
