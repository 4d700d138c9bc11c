import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Retrieval data sets: what is read of them, and what is refused.
@Suite("Queries, documents and what is relevant")
struct RetrievalSetTests {
    static let corpus = [
        #"{"_id": "a", "title": "Wings", "text": "How wings lift."}"#,
        #"{"_id": "b", "title": "", "text": "Heat in slabs. "}"#,
        #"{"_id": "c", "text": ""}"#,
    ]
    static let queries = [
        #"{"_id": "1", "text": "lift of wings", "metadata": {}}"#, #"{"_id": "2", "text": "heat"}"#,
        #"{"_id": "3", "text": "nothing"}"#,
    ]
    static let judgments = ["query-id\tcorpus-id\tscore", "1\ta\t2", "1\tb\t0", "2\tb\t1", "2\tc\t1"]

    /// Writes a directory in BEIR's form.
    private func write(
        _ folder: URL, corpus: [String] = corpus, queries: [String] = queries,
        judgments: [String] = judgments,
        split: String = "test"
    ) throws {
        let qrels = folder.appending(path: "qrels")
        try FileManager.default.createDirectory(at: qrels, withIntermediateDirectories: true)
        for (file, lines) in [
            (folder.appending(path: "corpus.jsonl"), corpus),
            (folder.appending(path: "queries.jsonl"), queries),
            (qrels.appending(path: "\(split).tsv"), judgments),
        ] {
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
        }
    }

    @Test("a directory in BEIR's form: relevance above 0 counts, title and text are one")
    func beir() throws {
        try withTemporaryDirectory { folder in
            try write(folder)
            let set = try RetrievalSet(contentsOf: folder)
            #expect(
                set.form == .beir && set.documents.ids == ["a", "b", "c"]
                    && set.queries.ids == ["1", "2", "3"])
            #expect(
                set.evaluated == [
                    .init(query: 0, relevance: [0: 2]), .init(query: 1, relevance: [1: 1, 2: 1]),
                ])
            #expect(set.isGraded && set.relevantCount == 3)
            #expect(set.notes.count == 2)
            #expect(set.notes[0].contains("1 of 3 queries have no relevant document"))
            #expect(set.notes[1].contains("1 of 3 texts are empty, the first on line 3"))
            let stream = try RetrievalTextStream(set.documents.file, .documents, form: .beir)
            #expect(try stream.texts(10).map(\.text) == ["Wings How wings lift.", "Heat in slabs.", ""])
            #expect(try stream.next() == nil && !stream.sha256.isEmpty)
        }
    }

    @Test("of several files of qrels that of the split is taken, or the one that is named")
    func splits() throws {
        try withTemporaryDirectory { folder in
            try write(folder, split: "dev")
            #expect(try RetrievalSet(contentsOf: folder).judgments.lastPathComponent == "dev.tsv")
            try write(folder, judgments: ["query-id\tcorpus-id\tscore", "3\tc\t1"], split: "train")
            #expect(throws: DatasetError.self) { try RetrievalSet(contentsOf: folder) }
            #expect(
                try RetrievalSet(contentsOf: folder, splits: ["dev"]).judgments.lastPathComponent == "dev.tsv"
            )
            let named = try RetrievalSet(contentsOf: folder.appending(path: "qrels/train.tsv"))
            #expect(named.evaluated == [.init(query: 2, relevance: [2: 1])] && named.form == .beir)
        }
    }

    @Test("JSON lines with positives; equal texts are one document")
    func lines() throws {
        try withTemporaryDirectory { folder in
            let file = folder.appending(path: "pairs.jsonl")
            let lines = [
                #"{"query": "lift", "positives": ["wings", "air"], "negatives": ["slabs"]}"#,
                #"{"query": "heat", "positive": "slabs"}"#,
            ]
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
            let set = try RetrievalSet(contentsOf: file)
            #expect(set.form == .lines && !set.isGraded)
            #expect(
                set.evaluated == [
                    .init(query: 0, relevance: [0: 1, 1: 1]), .init(query: 1, relevance: [2: 1]),
                ])
            let documents = try RetrievalTextStream(file, .documents, form: .lines)
            #expect(try documents.texts(10).map(\.text) == ["wings", "air", "slabs"])
            #expect(
                try RetrievalTextStream(file, .queries, form: .lines).texts(10).map(\.text) == [
                    "lift", "heat",
                ])
        }
    }

    /// A damage to the files, by what the error says.
    struct Damage: Sendable, CustomTestStringConvertible {
        var corpus = RetrievalSetTests.corpus
        var queries = RetrievalSetTests.queries
        var judgments = RetrievalSetTests.judgments
        let words: [String]
        var testDescription: String { words.joined(separator: " … ") }

        private typealias Base = RetrievalSetTests

        static let all: [Damage] = [
            Damage(
                corpus: Base.corpus + [#"{"_id": "a", "text": "again"}"#],
                words: ["corpus.jsonl, line 4", "'a'", "line 1"]),
            Damage(
                corpus: Base.corpus + [#"{"text": "no name"}"#], words: ["corpus.jsonl, line 4", "'_id'"]),
            Damage(
                corpus: Base.corpus + [#"{"_id": "d", "title": "no text"}"#],
                words: ["corpus.jsonl, line 4", "'text'"]),
            Damage(
                corpus: Base.corpus + [#"{"_id": "d", "text": 5}"#],
                words: ["corpus.jsonl, line 4", "must be a string"]),
            Damage(
                corpus: Base.corpus + [#"{"_id": "d", "title": [], "text": ""}"#],
                words: ["line 4", "'title'"]),
            Damage(corpus: Base.corpus + [#"{"_id": "d", "#], words: ["corpus.jsonl, line 4", "not JSON"]),
            Damage(
                queries: Base.queries + [#"{"_id": "2", "text": "twice"}"#],
                words: ["queries.jsonl, line 4", "'2'"]),
            Damage(
                judgments: Base.judgments + ["2\td\t1"],
                words: ["test.tsv, line 6", "no document 'd'", "corpus.jsonl"]),
            Damage(
                judgments: Base.judgments + ["9\ta\t1"],
                words: ["test.tsv, line 6", "no query '9'", "queries.jsonl"]),
            Damage(
                judgments: Base.judgments + ["2\tb\t1"], words: ["test.tsv, line 6", "'2'", "'b'", "line 4"]),
            Damage(
                judgments: Base.judgments + ["3\ta\tyes"], words: ["test.tsv, line 6", "'yes' is no number"]),
            Damage(
                judgments: Base.judgments + ["3\ta\tnan"], words: ["test.tsv, line 6", "'nan' is no number"]),
            Damage(judgments: Base.judgments + ["3 a 1"], words: ["test.tsv, line 6", "1 column"]),
            Damage(judgments: Array(Base.judgments.dropFirst()), words: ["test.tsv", "header is missing"]),
            Damage(
                judgments: ["query\tdocument\tscore", "1\ta\t1"],
                words: ["test.tsv", "query-id, corpus-id, score"]),
            Damage(
                judgments: [Base.judgments[0], "1\ta\t0"], words: ["test.tsv", "no document is relevant"]),
        ]
    }

    @Test("damaged files are refused with file and line", arguments: Damage.all)
    func damaged(damage: Damage) throws {
        try withTemporaryDirectory { folder in
            try write(folder, corpus: damage.corpus, queries: damage.queries, judgments: damage.judgments)
            #expect {
                try RetrievalSet(contentsOf: folder)
            } throws: { error in
                damage.words.allSatisfy { "\(error)".contains($0) }
            }
        }
    }

    @Test(
        "lines that are no query with positives are refused",
        arguments: [
            #"{"positives": ["x"]}"#, #"{"query": "q"}"#, #"{"query": "q", "positives": []}"#,
            #"{"query": " ", "positives": ["x"]}"#, #"{"query": "q", "positives": [5]}"#,
            #"{"query": "q", "positives": ["x"], "negatives": ["x"]}"#, #"{"query": "q", "positives": [""]}"#,
        ])
    func wrongLines(line: String) throws {
        try withTemporaryDirectory { folder in
            let file = folder.appending(path: "pairs.jsonl")
            try Data((#"{"query": "q", "positives": ["y"]}"# + "\n" + line + "\n").utf8).write(to: file)
            #expect { try RetrievalSet(contentsOf: file) } throws: { "\($0)".contains("pairs.jsonl, line 2") }
        }
    }

    @Test("missing files are named")
    func missing() throws {
        try withTemporaryDirectory { folder in
            try write(folder)
            for name in ["corpus.jsonl", "queries.jsonl", "qrels"] {
                let (file, aside) = (folder.appending(path: name), folder.appending(path: "aside"))
                try FileManager.default.moveItem(at: file, to: aside)
                #expect { try RetrievalSet(contentsOf: folder) } throws: { "\($0)".contains(name) }
                try FileManager.default.moveItem(at: aside, to: file)
            }
            #expect { try RetrievalSet(contentsOf: folder.appending(path: "none")) } throws: {
                "\($0)".contains("no such directory")
            }
        }
    }
}

/// Parallel sentences.
@Suite("Texts and their translations")
struct TranslationStreamTests {
    private func read(_ text: String, _ name: String, _ translations: [String]) throws -> [TranslatedText] {
        var texts: [TranslatedText] = []
        try withTemporaryDirectory { folder in
            let file = folder.appending(path: name)
            try Data(text.utf8).write(to: file)
            let stream = try TranslationStream(file, .init(source: "en", translations: translations))
            texts = try stream.texts(100)
            #expect(try stream.next() == nil && !stream.sha256.isEmpty)
        }
        return texts
    }

    @Test("tables and JSON lines give the same texts, and a row may lack a translation")
    func forms() throws {
        let forms = [
            ("a.tsv", "en\tde\tfr\nHello\tHallo\tBonjour\n\"Bye\"\t\tSalut\n"),
            ("a.csv", "en,fr,de\nHello,Bonjour,Hallo\nBye,Salut,\n"),
            (
                "a.jsonl",
                """
                {"en": "Hello", "de": "Hallo", "fr": "Bonjour"}
                {"translation": {"en": "Bye", "fr": "Salut", "de": null}}

                """
            ),
        ]
        for (name, text) in forms {
            let texts = try read(text, name, ["de", "fr"])
            #expect(texts.map(\.source) == ["Hello", "Bye"], "\(name)")
            #expect(texts.map(\.translations) == [["Hallo", "Bonjour"], ["Salut"]], "\(name)")
        }
    }

    @Test("rows without text or translation, and columns that are not there, are refused with the line")
    func refusals() throws {
        func message(_ text: String, _ translations: [String] = ["de"]) -> String {
            do {
                _ = try read(text, "a.tsv", translations)
                return ""
            } catch { return "\(error)" }
        }
        #expect(message("en\tde\nHello\tHallo\n\tBonjour\n").contains("a.tsv, line 3: the text is empty"))
        #expect(message("en\tde\nHello\tHallo\nBye\t\n").contains("a.tsv, line 3: has no translation"))
        #expect(message("source\tde\nHello\tHallo\n").contains("a.tsv, line 2: has no column 'en'"))
        #expect(
            message("en\tde\nHello\tHallo\n", ["de", "fr"]).contains("no row has a text in the column 'fr'"))
    }
}
