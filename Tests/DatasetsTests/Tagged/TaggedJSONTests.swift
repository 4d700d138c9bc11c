import Foundation
import Testing

@testable import Datasets

@Suite("JSON with words and tags, or with spans")
struct TaggedJSONTests {
    private func shown(_ text: String, options: TaggedOptions = TaggedOptions()) throws -> [String] {
        try TaggedSupport.load(text, as: "data.jsonl", options: options).map(TaggedSupport.shown)
    }

    private func refusal(_ text: String, options: TaggedOptions = TaggedOptions()) -> String {
        TaggedSupport.refusal(text, as: "data.jsonl", options: options)
    }

    @Test("lists of words and tags, on lines or in one array")
    func lists() throws {
        #expect(
            try shown(#"{"id": 1, "tokens": ["a", "", "b c"], "ner_tags": ["B-A", "O", "I-A"]}"#) == [
                "a/B-A /O b c/I-A"
            ])
        #expect(
            try shown(#"[{"words": ["a"], "labels": ["O"]}, {"words": ["b"], "labels": ["O"]}]"#) == [
                "a/O", "b/O",
            ])
        #expect(try shown(#"{"text": "a", "tokens": ["a"], "tags": ["O"]}"#) == ["a/O"])
        #expect(
            try shown(
                #"{"w": ["a"], "t": ["O"], "tokens": ["x"]}"#, options: .init(wordColumn: "w", tagColumn: "t")
            ) == ["a/O"])
        var options = TaggedOptions()
        options.tagNames = ["O", "B-A"]
        #expect(try shown(#"{"tokens": ["a", "b"], "ner_tags": [1, 0]}"#, options: options) == ["a/B-A b/O"])
        options.allowsUntagged = true
        #expect(
            try shown(
                "{\"tokens\": [\"a\"]}\n{\"tokens\": [\"b\"], \"ner_tags\": [1]}\n{\"tokens\": [\"c\"], \"ner_tags\": null}",
                options: options)
                == ["a", "b/B-A", "c"])
    }

    @Test("spans as spaCy, Prodigy, doccano and Label Studio write them")
    func spans() throws {
        let expected = ["Anna/B-PER Lee/I-PER ,/O Paris/B-LOC"]
        for spans in [
            #""entities": [[0, 8, "PER"], [10, 15, "LOC"]]"#,
            #""entities": [{"start": 10, "end": 15, "label": "LOC"}, {"start": 0, "end": 8, "label": "PER"}]"#,
            #""spans": [{"start": 0, "end": 8, "label": "PER"}, {"start": 10, "end": 15, "label": "LOC"}], "tokens": [{"text": "Anna"}]"#,
            #""label": [[0, 8, "PER"], [10, 15, "LOC"]]"#,
            #""entities": [{"id": 1, "label": "PER", "start_offset": 0, "end_offset": 8}, {"label": "LOC", "start_offset": 10, "end_offset": 15}]"#,
            #""label": [{"start": 0, "end": 8, "labels": ["PER"]}, {"start": 10, "end": 15, "labels": ["LOC"]}]"#,
        ] {
            #expect(try shown(#"{"text": "Anna Lee, Paris", \#(spans)}"#) == expected)
        }
        #expect(
            try shown(#"{"t": "a b", "s": []}"#, options: .init(tagColumn: "s", textColumn: "t")) == [
                "a/O b/O"
            ])
    }

    @Test("what cannot be read is refused with its line and what to do")
    func refusals() {
        #expect(
            refusal(#"{"tokens": ["a", "b"], "ner_tags": ["O"]}"#).hasPrefix(
                "data.jsonl, line 1: the row has 2 words but 1 tag"))
        #expect(refusal(#"{"tokens": [], "ner_tags": []}"#).contains("line 1: the row has no words"))
        #expect(
            refusal(#"{"tokens": ["a"], "ner_tags": ["PER"]}"#).contains(
                "line 1: 'PER' is no tag of an entity"))
        #expect(refusal(#"{"tokens": ["a"], "ner_tags": [1]}"#).contains("nothing says which tags they are"))
        var options = TaggedOptions()
        options.tagNames = ["O"]
        #expect(
            refusal(#"{"tokens": ["a"], "ner_tags": [-1]}"#, options: options).contains(
                "the tag -1 has no name"))
        #expect(
            refusal(#"{"tokens": ["a"], "ner_tags": [0.5]}"#, options: options).contains(
                "strings or integers, got"))
        #expect(
            refusal(#"{"tokens": ["a", 1], "ner_tags": ["O", "O"]}"#).contains(
                "the words must be strings, got"))
        #expect(refusal(#"{"a": 1, "b": 2}"#).contains("the keys are a, b"))
        #expect(
            refusal(#"{"tokens": ["a"]}"#).contains(
                "no key has a usual name for tags or spans; the keys are tokens"))
        #expect(
            refusal("{\"tokens\": [\"a\"], \"tags\": [\"O\"]}\n{\"tokens\": [\"a\"]}").contains(
                "line 2: 'tags' is missing or null"))
        #expect(
            refusal("{\"tokens\": [\"a\"], \"tags\": [\"O\"]}\n{\"tags\": [\"O\"]}").contains(
                "line 2: the key 'tokens' is missing"))
        #expect(refusal(#"{"text": "a", "label": "x"}"#).contains("'label' must be an array, got"))
        #expect(
            refusal(#"{"tokens": ["a"], "tags": ["O"]}"#, options: .init(wordColumn: "w")).contains(
                "there is no key 'w'; the first object's keys are tokens, tags"))
        #expect(
            refusal(#"{"tokens": ["a"], "tags": ["O"]}"#, options: .init(tagColumn: "w")).contains(
                "there is no key 'w'"))
    }

    @Test("spans that are wrong are refused with what is wrong")
    func wrongSpans() {
        func refusal(_ spans: String) -> String {
            self.refusal(#"{"text": "ab  cd é", "entities": [\#(spans)]}"#)
        }
        #expect(
            refusal(#"[0, 2, "A"], [1, 3, "B"]"#).contains(
                "line 1: the span 1 to 3 (B) overlaps the span 0 to 2 (A)"))
        #expect(refusal(#"[0, 2, "A"], [0, 2, "A"]"#).contains("overlaps"))
        #expect(refusal(#"[0, 9, "A"]"#).contains("is not within the text, which has 8 characters"))
        #expect(refusal(#"[-1, 2, "A"]"#).contains("is not within the text"))
        #expect(refusal(#"[2, 2, "A"]"#).contains("is empty"))
        #expect(refusal(#"[2, 1, "A"]"#).contains("is empty"))
        #expect(refusal(#"[2, 4, "A"]"#).contains("the span 2 to 4 (A) holds nothing but white space"))
        #expect(refusal(#"[0, "A"]"#).contains("span 1 has 2 parts"))
        #expect(refusal(#"{"start": 0, "label": "A"}"#).contains("span 1 has no whole numbers"))
        #expect(refusal(#"[0, 2, ""]"#).contains("span 1 has no text as its label"))
        #expect(refusal(#"{"start": 0, "end": 2, "labels": ["A", "B"]}"#).contains("span 1 has 2 labels"))
        #expect(refusal(#"7"#).contains("span 1 is"))
        #expect(refusal(#"[7, 8, "A"]"#) == "not refused")
    }
}
