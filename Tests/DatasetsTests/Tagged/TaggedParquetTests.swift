#if Parquet
    import Files
    import Foundation
    import JSON
    import Testing

    @testable import Datasets

    /// Files by pyarrow, from scripts/fixtures/datasets_tagged_parquet.py.
    @Suite("Parquet with words and tags")
    struct TaggedParquetTests {
        private static let folder = Support.fixtures.appending(path: "TaggedParquet")

        private func rows(_ name: String, options: TaggedOptions = TaggedOptions()) throws -> [TaggedRow] {
            let stream = try TaggedStream(Self.folder.appending(path: name), options: options)
            var rows: [TaggedRow] = []
            while let row = try stream.next() { rows.append(row) }
            return rows
        }

        private func refusal(_ name: String) -> String {
            do { _ = try rows(name) } catch { return "\(error)" }
            return "not refused"
        }

        @Test("rows are what pyarrow reads, and integers the tags that the metadata name")
        func golden() throws {
            let expected = try #require(
                JSONValue.load(contentsOf: Self.folder.appending(path: "expected.json")).arrayValue)
            func lists(_ value: JSONValue) -> [[String]] {
                (value.arrayValue ?? []).map { ($0.arrayValue ?? []).compactMap(\.stringValue) }
            }
            let (words, tags) = (lists(expected[0]), lists(expected[1]))
            var named = TaggedOptions()
            named.tagNames = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
            for (name, options) in [
                ("strings.parquet", TaggedOptions()), ("named_sequence.parquet", TaggedOptions()),
                ("named_list.parquet", TaggedOptions()), ("numbers.parquet", named),
            ] {
                let read = try rows(name, options: options)
                #expect(
                    read.map { $0.words.map { Array($0.utf8) } } == words.map { $0.map { Array($0.utf8) } },
                    "\(name)")
                #expect(read.map(\.tags) == tags, "\(name)")
                #expect(read.map(\.line) == Array(1...40), "\(name)")
            }
            named.allowsUntagged = true
            let holes = try rows("holes.parquet", options: named)
            #expect(
                holes.enumerated().allSatisfy {
                    $0.element.tags == ($0.offset % 4 == 1 ? nil : tags[$0.offset])
                })
            named.readsTags = false
            #expect(try rows("text.parquet".replacing("text", with: "short"), options: named).count == 40)
        }

        @Test("the names of tags are known")
        func names() throws {
            let stream = try TaggedStream(Self.folder.appending(path: "named_list.parquet"))
            _ = try stream.next()
            #expect(stream.tagNames == ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"] && stream.hasTags)
        }

        @Test(
            "files that are cut or have changed bytes are read or refused",
            arguments: ["strings.parquet", "named_sequence.parquet", "holes.parquet"])
        func mutations(_ name: String) throws {
            let whole = Array(try Data(contentsOf: Self.folder.appending(path: name)))
            var generator = SeededGenerator(seed: 29)
            var refused = 0
            for round in 0..<200 {
                var bytes = whole
                bytes[whole.count * round / 200] ^= UInt8(1 << Int.random(in: 0..<8, using: &generator))
                if round % 5 == 0 { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator)) }
                var options = TaggedOptions()
                options.allowsUntagged = round % 2 == 0
                try Support.withFile("data.parquet", bytes) { url in
                    do {
                        let stream = try TaggedStream(url, options: options)
                        while let row = try stream.next() {
                            #expect(row.tags.map { $0.count == row.words.count } ?? options.allowsUntagged)
                        }
                    } catch {
                        #expect(!"\(error)".contains("\n"))
                        refused += 1
                    }
                }
            }
            #expect(refused > 40)
        }

        @Test("what cannot be read is refused")
        func refusals() {
            #expect(refusal("short.parquet").contains("row 9: the row has"))
            #expect(refusal("null_word.parquet").contains("row 1: one of the words is null"))
            #expect(refusal("text.parquet").contains("words must be a list of strings"))
            #expect(refusal("spans.parquet").contains("the columns are text, entities"))
            #expect(refusal("beyond.parquet").contains("row 1: the tag 5 has no name"))
            #expect(refusal("numbers.parquet").contains("nothing says which tags they are"))
            #expect(refusal("holes.parquet").contains("row 2: the row has no tags"))
        }
    }
#endif
