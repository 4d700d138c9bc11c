import Foundation
import Testing

@testable import Datasets

@Suite("Queries with documents")
struct RankingTests {
    private func groups(
        _ text: String, as name: String = "d.jsonl", _ options: RankingStream.Options = .init()
    ) throws -> [RankedGroup] {
        try Support.withFile(name, Array(text.utf8)) { file in
            let stream = try RankingStream(file, options: options, chunkSize: 7)
            var groups: [RankedGroup] = []
            while let group = try stream.next() { groups.append(group) }
            #expect(stream.sha256.count == 64)
            return groups
        }
    }

    private func options(
        label: String? = nil, scores: String? = nil, text: String? = nil, pair: String? = nil
    ) -> RankingStream.Options {
        var options = RankingStream.Options()
        (options.labelColumn, options.scoresColumn, options.textColumn, options.pairColumn) = (
            label, scores, text, pair
        )
        return options
    }

    @Test("triples, with the scores of a teacher or by how much the first document is better")
    func triples() throws {
        let one = try groups(#"{"query": "q", "positive": "a", "negative": "b"}"#)[0]
        #expect(
            one.query == "q" && one.documents == ["a", "b"] && one.labels == [1, 0]
                && one.scores == [nil, nil])
        let lines = """
            {"query": "q", "positive": "a", "negative": "b", "score": 2.5}
            {"query": "r", "positive": "a", "negative": "b", "score": [3, -1]}
            {"query": "s", "positive": "a", "negative": "b", "score": null}
            """
        let scores = try groups(lines).map(\.scores)
        #expect(scores == [[0, -2.5], [3, -1], [nil, nil]])
        // Two rows with the same query are two groups of this form.
        let twice = "query,positive,negative_2,negative_1,label\nq,a,c,b,\"[1, 2]\"\nq,a,c,b,\"[3, 2, 1]\"\n"
        let table = try groups(twice, as: "d.csv")
        #expect(table.map(\.documents) == [["a", "b", "c"], ["a", "b", "c"]])
        #expect(table.map(\.scores) == [[0, -1, -2], [3, 2, 1]])
        #expect(
            try groups(#"{"anchor": "q", "positive": "a", "negative": ["b", "c"]}"#)[0].labels == [1, 0, 0])
    }

    @Test("FlagEmbedding's lists")
    func flagEmbedding() throws {
        let lines = """
            {"query": "q", "pos": ["a", "b"], "neg": ["c"], "pos_scores": [5, 4.5], "neg_scores": [-1]}
            {"query": "r", "pos": ["a"], "neg": []}
            """
        let groups = try groups(lines)
        #expect(groups.map(\.documents) == [["a", "b", "c"], ["a"]] && groups[0].labels == [1, 1, 0])
        #expect(groups.map(\.scores) == [[5, 4.5, -1], [nil]])
    }

    @Test("lists with labels and scores")
    func lists() throws {
        let line = #"{"query": "q", "docs": ["a", "b", "c"], "labels": [2, 0, null], "scores": [1.5, -2, 0]}"#
        let group = try groups(line)[0]
        #expect(group.labels == [2, 0, nil] && group.scores == [1.5, -2, 0])
        let own = try groups(
            #"{"question": "q", "passages": ["a"], "grade": [3], "llm": [0.5]}"#,
            options(label: "grade", scores: "llm"))[0]
        #expect(own.labels == [3] && own.scores == [0.5])
    }

    @Test("pairs, of which those of one query that follow one another belong together")
    func pairs() throws {
        let text = "query,document,label,score\nq,a,1,2.5\nq,b,0,-1\nr,a,,3\nq,c,2,0\n"
        let groups = try groups(text, as: "d.csv")
        #expect(
            groups.map(\.query) == ["q", "r", "q"] && groups.map(\.documents) == [["a", "b"], ["a"], ["c"]])
        #expect(
            groups.map(\.labels) == [[1, 0], [nil], [2]] && groups.map(\.scores) == [[2.5, -1], [3], [0]])
        #expect(groups.map(\.place.line) == [2, 4, 5])
        // A number beside two texts is a label, unless it is named as a teacher's.
        let alike = "sentence1\tsentence2\tscore\nq\ta\t0.25\n"
        #expect(try self.groups(alike, as: "d.tsv")[0].labels == [0.25])
        let taught = try self.groups(alike, as: "d.tsv", options(scores: "score"))[0]
        #expect(taught.labels == [nil] && taught.scores == [0.25])
        let named = try self.groups(
            #"{"a": "q", "b": "d", "c": 1}"#, options(label: "c", text: "a", pair: "b"))[0]
        #expect(named.query == "q" && named.documents == ["d"] && named.labels == [1])
    }

    @Test("which files have groups")
    func kinds() throws {
        func hasGroups(_ text: String) throws -> Bool {
            try Support.withFile("d.jsonl", Array(text.utf8)) {
                try RankingStream.hasGroups($0, options: .init())
            }
        }
        #expect(try hasGroups(#"{"query": "q", "positive": "a", "negative": "b"}"#))
        #expect(try hasGroups(#"{"query": "q", "pos": ["a"], "neg": ["b"]}"#))
        #expect(try hasGroups(#"{"query": "q", "documents": ["a"]}"#))
        #expect(try !hasGroups(#"{"sentence1": "q", "sentence2": "a", "score": 1}"#))
        #expect(try !hasGroups(#"{"text": "q"}"#))
    }

    @Test(
        "what is wrong with a row names file, line and key",
        arguments: [
            (#"{"query": "q"}"#, "this is no query with documents"),
            (#"{"positive": "a", "negative": "b"}"#, "no key has a usual name for the query"),
            (#"{"query": 3, "positive": "a", "negative": "b"}"#, "'query' must be a text, got an integer"),
            (#"{"query": " ", "positive": "a", "negative": "b"}"#, "'query' is empty"),
            (#"{"query": "q", "positive": "a", "negative": ["b", 3]}"#, "'negative' must hold texts alone"),
            (
                #"{"query": "q", "positive": "a", "negative": "b", "score": [1, 2, 3]}"#,
                "'score' has 3 numbers; give 2"
            ),
            (
                #"{"query": "q", "positive": "a", "negative": "b", "score": "high"}"#,
                "'score' must be a number"
            ),
            (#"{"query": "q", "pos": [], "neg": []}"#, "the query has no document"),
            (
                #"{"query": "q", "pos": ["a"], "neg": ["b"], "pos_scores": [1, 2]}"#,
                "'pos_scores' has 2 numbers for 1 texts"
            ),
            (
                #"{"query": "q", "docs": ["a", "b"], "labels": [1]}"#,
                "'labels' has 1 numbers for 2 texts in 'docs'"
            ),
            (#"{"query": "q", "docs": "", "labels": [1]}"#, "'docs' is empty"),
            (#"{"query": "q", "document": "a", "label": [1, 2]}"#, "'label' has 2 numbers for one document"),
        ])
    func errors(_ line: String, _ reason: String) throws {
        let error = #expect(throws: DatasetError.self) { try groups("\n" + line) }
        let text = error?.description ?? ""
        #expect(text.contains("d.jsonl, line 2: ") && text.contains(reason), "\(text)")
    }

    @Test("chosen keys that are not there")
    func chosen() throws {
        let line = #"{"query": "q", "docs": ["a"], "labels": [1]}"#
        for (options, part) in [
            (
                options(scores: "llm"),
                "there is no 'llm'; the keys are query, docs, labels; choose one with --scores-column"
            ),
            (options(label: "grade"), "choose one with --label-column"),
            (options(text: "topic"), "--text-column"),
        ] {
            let error = #expect(throws: DatasetError.self) { try groups(line, options) }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }
}
