import Foundation
import JSON
import Testing

@testable import Datasets

@Suite("Files of scores are read in each of their forms")
struct ScoreStreamTests {
    private func rows(
        _ text: String, _ name: String = "s.jsonl", column: String? = nil, chunkSize: Int = 1 << 18
    ) throws -> (rows: [ScoreRow], stream: ScoreStream) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "scores-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = folder.appending(path: name)
        try Data(text.utf8).write(to: url)
        var options = ScoreStream.Options()
        options.scoresColumn = column
        let stream = try ScoreStream(url, options: options, chunkSize: chunkSize)
        var rows: [ScoreRow] = []
        while let row = try stream.next() { rows.append(row) }
        return (rows, stream)
    }

    private func named(_ row: ScoreRow?) -> [String] {
        guard case .named(let entries)? = row?.values else { return [] }
        return entries.map { "\($0.name) \($0.value)" }
    }

    private static let forms: [(ScoreForm, ScoreMeaning, String, [String])] = [
        (
            .list, .unstated, #"[{"label": "a", "score": 0.75}, {"label": "b", "score": 0.25}]"#,
            ["a 0.75", "b 0.25"]
        ),
        (
            .list, .unstated, #"{"text": "x", "scores": [{"label": "b", "score": 0.75}]}"#, ["b 0.75"]
        ),
        (
            .ranked, .unstated, #"{"sequence": "x", "labels": ["b", "a"], "scores": [0.75, 0.25]}"#,
            ["b 0.75", "a 0.25"]
        ),
        (
            .object, .probabilities, #"{"text": "x", "probabilities": {"a": 0.5, "b": 5e-1}}"#,
            ["a 0.5", "b 0.5"]
        ),
        (.object, .logits, #"{"text": "x", "logits": {"a": -3, "b": 1.5}}"#, ["a -3.0", "b 1.5"]),
        (
            .object, .unstated, #"{"label": "b", "score": 0.75, "scores": {"a": 0.25, "b": 0.75}}"#,
            ["a 0.25", "b 0.75"]
        ),
        (
            .object, .unstated, #"{"labels": ["b"], "scores": {"a": 0.25, "b": 0.75}}"#, ["a 0.25", "b 0.75"]
        ),
        (.columns, .unstated, #"{"text": "x", "score_a": 0.25, "score_b": 0.75}"#, ["a 0.25", "b 0.75"]),
        (.columns, .logProbabilities, #"{"logprob_a": -1, "logprob_b": -0.5}"#, ["a -1.0", "b -0.5"]),
        (.label, .probabilities, #"{"text": "x", "label": "b", "confidence": 0.75}"#, ["b 0.75"]),
        (.label, .probabilities, #"{"label": 1, "score": 0.75}"#, ["1 0.75"]),
        (.votes, .unstated, #"{"text": "x", "votes": ["b", "a", "b"]}"#, ["b 2.0", "a 1.0"]),
        (.votes, .unstated, #"{"text": "x", "votes": {"a": 1, "b": 2}}"#, ["a 1.0", "b 2.0"]),
        (
            .tokens, .logProbabilities,
            #"{"text": "x", "top_logprobs": [{"token": " b", "logprob": -0.5}, {"token": "a", "logprob": -1}]}"#,
            ["b -0.5", "a -1.0"]
        ),
        (
            .tokens, .logProbabilities,
            #"{"logprobs": {"content": [{"token": "b", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -0.5}, {"token": "a", "logprob": -1}]}, {"token": "c", "logprob": 0}]}}"#,
            ["b -0.5", "a -1.0"]
        ),
        (
            .tokens, .logProbabilities,
            #"{"response": {"body": {"choices": [{"logprobs": {"content": [{"token": "b", "logprob": -0.5, "top_logprobs": [{"token": "a", "logprob": -1}]}]}}]}}}"#,
            ["b -0.5", "a -1.0"]
        ),
        (.tokens, .logProbabilities, #"{"top_logprobs": [{"a": -1, "b": -0.5}]}"#, ["a -1.0", "b -0.5"]),
    ]

    @Test("what the first row shows is recognized", arguments: 0..<forms.count)
    func form(_ index: Int) throws {
        let (form, meaning, line, expected) = Self.forms[index]
        for chunkSize in [1, 7, 1 << 18] where chunkSize > 7 || !line.hasPrefix("[") {
            let (rows, stream) = try rows(line + "\n" + line + "\n", chunkSize: chunkSize)
            #expect(stream.form == form && stream.meaning == meaning && rows.count == 2)
            #expect(named(rows.last) == expected)
            #expect(stream.hasTexts == (line.contains("\"text\"") || line.contains("sequence")))
            #expect(rows.allSatisfy { $0.text == (stream.hasTexts ? "x" : nil) })
        }
    }

    @Test("arrays are in the order of the classes, also in a cell of CSV and one a line")
    func arrays() throws {
        for (text, name) in [
            ("{\"text\": \"x\", \"logits\": [1, -2.5]}\n", "s.jsonl"), ("[1, -2.5]\n[1, -2.5]\n", "s.jsonl"),
            ("[[1, -2.5], [1, -2.5]]", "s.json"), ("text,logits\nx,\"[1, -2.5]\"\n", "s.csv"),
        ] {
            let (rows, stream) = try rows(text, name)
            #expect(
                stream.form == .array && rows.allSatisfy { $0.values == .positional([1, -2.5]) }, "\(text)")
        }
    }

    @Test("tables have a column for each class, or a label with its confidence")
    func tables() throws {
        let (wide, stream) = try rows("text\tprob_a\tprob_b\nx\t0.25\t0.75\n", "s.tsv")
        #expect(
            stream.form == .columns && stream.meaning == .probabilities
                && named(wide[0]) == ["a 0.25", "b 0.75"])
        let (long, other) = try rows("text,label,confidence\nx,b,0.75\n\"y, z\",a,1\n", "s.csv")
        #expect(other.form == .label && named(long[1]) == ["a 1.0"] && long[1].text == "y, z")
        // A file may have several groups of columns.
        let both = "text,logit_a,logit_b,prob_a,prob_b\nx,1,2,0.3,0.7\n"
        #expect(named(try rows(both, "s.csv", column: "logit_").rows[0]) == ["a 1.0", "b 2.0"])
        #expect(named(try rows(both, "s.csv", column: "prob").rows[0]) == ["a 0.3", "b 0.7"])
    }

    @Test("a pipeline's answers in one array: a list for each text, or the best label of each")
    func pipelines() throws {
        let lists =
            #"[[{"label": "a", "score": 0.75}, {"label": "b", "score": 0.25}], [{"label": "b", "score": 1}]]"#
        #expect(try rows(lists, "s.json").rows.map(named) == [["a 0.75", "b 0.25"], ["b 1.0"]])
        let best =
            #"[{"label": "a", "score": 0.75}, {"label": "b", "score": 0.5}, {"label": "a", "score": 1}]"#
        let (rows, stream) = try rows(best, "s.json")
        #expect(stream.form == .label && rows.map(named) == [["a 0.75"], ["b 0.5"], ["a 1.0"]])
    }

    @Test(
        "what is wrong is said with its line and what to do",
        arguments: [
            (#"{"text": "x", "good": true}"#, "no scores were found under the keys text, good"),
            (#"{"logits": [1, 2], "scores": [0.1, 0.9]}"#, "scores under 'logits', 'scores'; choose one"),
            (#"{"logits": [1, 2]}"# + "\n" + #"{"logits": "x"}"#, "line 2: 'logits' must be arrays"),
            (
                #"{"logits": [1, 2]}"# + "\n" + #"{"logits": [1, null]}"#,
                "line 2: a score of 'logits' must be a finite"
            ),
            (#"{"scores": {"a": 1}}"# + "\n" + #"{"other": 1}"#, "line 2: 'scores' is missing"),
            (
                #"{"label": "a", "score": 0.5}"# + "\n" + #"{"label": null, "score": 0.5}"#,
                "'label' must be the name"
            ),
            (#"{"label": "a", "score": 0.5}"# + "\n" + #"{"label": "a", "score": "high"}"#, "got 'high'"),
            (
                #"[{"label": "a", "score": 0.5}]"# + "\n"
                    + #"[{"label": "a", "score": 1}, {"label": "a", "score": 0}]"#, "'a' occurs twice"
            ),
            (#"{"votes": ["a"]}"# + "\n" + #"{"votes": []}"#, "there are no votes"),
            (#"{"votes": {"a": 1}}"# + "\n" + #"{"votes": {"a": 0}}"#, "at least one of them above 0"),
            (
                #"{"text": "x", "logits": [1]}"# + "\n" + #"{"text": 1, "logits": [1]}"#,
                "'text' must be a text"
            ),
            (
                #"{"labels": ["a"], "scores": [1]}"# + "\n" + #"{"labels": ["a", "b"], "scores": [1]}"#,
                "must be of one length"
            ),
            (#"{"logits": [1, 2]}"# + "\n" + #"{"logits": []}"#, "line 2: 'logits' is empty; a row needs"),
            (#"{"p": 1, "scores": {"a": 1}}"# + "\n" + #"{"scores": {}}"#, "line 2: 'scores' is empty"),
            (
                #"{"text": 5, "logits": [1]}"#,
                "'text' must be the text that the scores are of, got an integer"
            ),
            ("", "there are no rows"),
        ])
    func refusals(_ text: String, _ part: String) {
        let error = #expect(throws: DatasetError.self, "\(text)") { _ = try rows(text) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("s.jsonl") == true)
    }

    @Test("a table of another delimiter is told so")
    func delimiters() {
        for (delimiter, name) in [(";", ";"), ("|", "|"), ("\t", "\\t")] {
            let text =
                ["text", "score_a", "score_b"].joined(separator: delimiter)
                + "\nx\(delimiter)1\(delimiter)0\n"
            let error = #expect(throws: DatasetError.self) { _ = try rows(text, "s.csv") }
            #expect(
                error?.description.contains("--delimiter '\(name)'") == true, "\(error?.description ?? "")")
        }
    }

    @Test("texts under a name that is not known are kept beside")
    func others() throws {
        let line = #"{"id": "7", "doc": "x", "label": "a", "score": 0.5}"#
        #expect(try rows(line).rows[0].others == ["7", "x"])
        #expect(try rows(#"{"text": "x", "id": "7", "logits": [1]}"#).rows[0].others.isEmpty)
    }

    @Test("a column that is named must be there and hold scores")
    func namedColumn() {
        for (column, part) in [
            ("other", "there is no 'other'; the keys are text, n"), ("text", "'text' holds no scores"),
        ] {
            let error = #expect(throws: DatasetError.self) {
                _ = try rows(#"{"text": "x", "n": {"a": 1}}"#, column: column)
            }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }

    @Test("whatever bytes are changed, rows are finite numbers or an error is thrown")
    func mutations() throws {
        var generator = SeededGenerator(seed: 11)
        var read = 0
        for (_, _, line, _) in Self.forms {
            for _ in 0..<40 {
                var bytes = Array((line + "\n" + line + "\n").utf8)
                for _ in 0...generator.next() % 2 {
                    let place = Int(generator.next() % UInt64(bytes.count))
                    let other = Array(#"{}[],:"0123456789.-eE \nablogits"#.utf8)
                    switch generator.next() % 3 {
                    case 0: bytes[place] = other[Int(generator.next() % UInt64(other.count))]
                    case 1: bytes.remove(at: place)
                    default: bytes.insert(other[Int(generator.next() % UInt64(other.count))], at: place)
                    }
                }
                guard let found = try? rows(String(decoding: bytes, as: UTF8.self)).rows else { continue }
                read += 1
                for row in found {
                    switch row.values {
                    case .named(let entries):
                        #expect(!entries.isEmpty && entries.allSatisfy { $0.value.isFinite })
                        #expect(Set(entries.map { Array($0.name.utf8) }).count == entries.count)
                    case .positional(let values): #expect(!values.isEmpty && values.allSatisfy(\.isFinite))
                    }
                }
            }
        }
        #expect(read > 50)
    }
}
