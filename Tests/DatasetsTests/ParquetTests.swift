#if Parquet
    import Files
    import Foundation
    import JSON
    import Testing

    @testable import Datasets

    /// Files by pyarrow, from scripts/fixtures/datasets_parquet.py.
    @Suite("Parquet")
    struct ParquetTests {
        static let folder = Support.fixtures.appending(path: "Parquet")

        static func expected() throws -> JSONObject {
            try #require(JSONValue.load(contentsOf: folder.appending(path: "expected.json")).objectValue)
        }

        /// How labels like these are asked for.
        private func options(for labels: [JSONValue], pair: String?) -> DatasetOptions {
            let first = labels.first { !$0.isNull }
            let form: DatasetOptions.LabelForm =
                first?.arrayValue != nil
                ? .set
                : first?.stringValue == nil && labels.contains { $0.intValue == nil && $0.doubleValue != nil }
                    ? .number : .name
            return DatasetOptions(labelForm: form, allowsUnlabeled: labels.contains(where: \.isNull))
        }

        private func text(_ value: JSONValue) -> String? {
            value.stringValue ?? value.intValue.map(String.init)
        }

        @Test("every row of every file is what pyarrow reads")
        func golden() throws {
            for (name, rows) in try Self.expected() {
                let rows = try #require(rows.arrayValue).map { $0.arrayValue ?? [] }
                let labels = rows.map { $0[2] }
                var options = options(for: labels, pair: rows[0][1].stringValue)
                // Where `datasets` writes -1, the row has no label.
                let isHidden = name == "named_unknown.parquet"
                if isHidden { options.allowsUnlabeled = true }
                let stream = try TextStream(Self.folder.appending(path: name), options: options)
                for (index, row) in rows.enumerated() {
                    let read = try #require(try stream.next(), "\(name) ends at \(index)")
                    #expect(read.text.utf8.elementsEqual((row[0].stringValue ?? "").utf8), "\(name) \(index)")
                    #expect(read.pair == row[1].stringValue && read.line == index + 1, "\(name) \(index)")
                    switch options.labelForm {
                    case .name:
                        let label = isHidden && row[2].intValue == -1 ? nil : text(row[2])
                        #expect(read.label == label, "\(name) \(index)")
                    case .set:
                        #expect(read.labelSet == row[2].arrayValue?.compactMap(text), "\(name) \(index)")
                    case .number:
                        #expect(
                            try stream.value(of: read) == row[2].doubleValue.map(Float.init),
                            "\(name) \(index)")
                    }
                }
                #expect(try stream.next() == nil && stream.count == rows.count, "\(name)")
                #expect(
                    stream.sha256 == (try Digest.sha256(ofFile: Self.folder.appending(path: name))), "\(name)"
                )
            }
        }

        private func load(
            _ name: String, _ options: DatasetOptions = DatasetOptions(), labels: LabelMap? = nil
        ) throws -> TextDataset {
            try TextDataset.load(Self.folder.appending(path: name), options: options, labels: labels)
        }

        @Test("class numbers get the names that `datasets` keeps, in their order")
        func classNames() throws {
            let names = ["World", "Business", "Art"]
            #expect(try load("named.parquet").labels?.names == names)
            #expect(
                try TextStream(Self.folder.appending(path: "named.parquet")).inferLabels()?.names == names)
            for name in ["named_sequence.parquet", "named_list.parquet"] {
                let data = try load(name, DatasetOptions(labelForm: .set))
                #expect(data.labels?.names == names)
                #expect(data.examples.prefix(4).map(\.labelSet) == [[], [1], [0, 2], [0, 1, 2]])
            }
            // Without names, as in CSV.
            #expect(try load("int64.parquet").labels?.names == ["LABEL_0", "LABEL_1", "LABEL_2"])
        }

        @Test(
            "a model with the same names in another order gets its own numbers; one without names the file's")
        func givenClasses() throws {
            let plain = try load("named.parquet").examples.map(\.label)
            let turned = try LabelMap(names: ["Art", "Business", "World"])
            #expect(
                try load("named.parquet", labels: turned).examples.map(\.label)
                    == plain.map { $0.map { 2 - $0 } })
            let numbered = try LabelMap(names: ["LABEL_0", "LABEL_1", "LABEL_2"])
            #expect(try load("named.parquet", labels: numbered).examples.map(\.label) == plain)
            let other = try LabelMap(names: ["World", "Business", "Sports"])
            let error = #expect(throws: DatasetError.self) { try load("named.parquet", labels: other) }
            #expect(
                error?.description.contains("unknown label 'Art'") == true, "\(String(describing: error))")
        }

        private func refusal(_ name: String, _ options: DatasetOptions = DatasetOptions()) -> String {
            do {
                _ = try load(name, options)
                return "not refused"
            } catch let error as DatasetError {
                let text = error.description
                #expect(!text.contains("\n"))
                return text.range(of: name).map { String(text[$0.lowerBound...]) } ?? text
            } catch { return "another error: \(error)" }
        }

        @Test("what cannot be read is refused with the column and its type, or the row")
        func refusals() {
            #expect(
                refusal("struct_label.parquet").hasPrefix(
                    "struct_label.parquet: the column 'label' is of type struct<name: string>; a label must be"
                ))
            #expect(refusal("time_label.parquet").contains("the column 'label' is of type timestamp["))
            #expect(
                refusal("binary_text.parquet")
                    == "binary_text.parquet: the column 'text' is of type binary; texts must be strings")
            #expect(refusal("list_text.parquet").contains("the column 'text' is of type list<"))
            #expect(
                refusal("nested_label.parquet", .init(labelForm: .set)).contains("'label' is of type list<"))
            #expect(refusal("lists.parquet").contains("several labels need --problem-type multi_label"))
            #expect(
                refusal("float64.parquet").contains("the column 'label' is of type double; a label must be"))
            #expect(refusal("lists.parquet", .init(labelForm: .number)).contains("regression needs numbers"))
            #expect(
                refusal("float32.parquet", .init(labelForm: .set)).contains(
                    "is of type float; labels must be"))
            #expect(
                refusal("null_text.parquet") == "null_text.parquet, row 12: 'text' must be a string, got null"
            )
            #expect(refusal("latin.parquet").hasPrefix("latin.parquet, row 4: the bytes are not UTF-8"))
            #expect(refusal("nulls.parquet").hasPrefix("nulls.parquet, row 3: the label is null; remove"))
            #expect(
                refusal("named_unknown.parquet").hasPrefix(
                    "named_unknown.parquet, row 2: the label is null (or -1)"))
            #expect(
                refusal("null_element.parquet", .init(labelForm: .set)).contains(
                    "row 1: the labels must be strings"))
            #expect(
                refusal("twice.parquet")
                    == "twice.parquet: the column 'label' occurs twice; rename one of the two")
            #expect(refusal("empty.parquet") == "empty.parquet: there are no examples in this file")
            #expect(refusal("named_twice.parquet").contains("are not distinct strings"))
            #expect(
                refusal("plain.parquet", .init(textColumn: "body")).contains(
                    "there is no column 'body'; the columns are text, label"))
            #expect(refusal("plain.parquet", .init(labelForm: .number)).contains("row 1: the label '"))
        }

        @Test("files that are no Parquet, cut short, or inside gzip")
        func notParquet() throws {
            for bytes in [
                [], Array("PAR1".utf8), Array("text,label\na,b\n".utf8), [UInt8](repeating: 0, count: 100),
            ] {
                let error = #expect(throws: DatasetError.self) {
                    try Support.withFile("d.parquet", bytes) { try TextDataset.load($0) }
                }
                #expect(error?.description.contains("this Parquet file cannot be read") == true)
            }
            let error = #expect(throws: DatasetError.self) {
                try Support.withFile("d.parquet.gz", [0x1F, 0x8B, 8, 0]) {
                    try TextDataset.load($0, options: .init(format: .parquet))
                }
            }
            #expect(error?.description.contains("this is gzip") == true)
            #expect(throws: FileError.self) { try TextDataset.load(URL(filePath: "/nonexistent/d.parquet")) }
        }

        @Test("only the columns that are used are read: damage in others does no harm")
        func selection() throws {
            let data = try load("others.parquet")
            #expect(data.examples[0].pair != nil && data.labels?.count == 3)
            let alone = try load("others.parquet", .init(textColumn: "hypothesis", labelColumn: "premise"))
            #expect(alone.examples.map(\.text) == data.examples.compactMap(\.pair))
            // One column for two uses.
            let same = try load("plain.parquet", .init(textColumn: "label"))
            #expect(same.examples.allSatisfy { same.labels?.names[$0.label ?? 0] == $0.text })
        }

        @Test("lists are known as sets, also before the first that is there")
        func sets() throws {
            for (name, isSet) in [
                ("lists.parquet", true), ("null_lists.parquet", true), ("large_lists.parquet", true),
                ("plain.parquet", false), ("int8.parquet", false), ("others.parquet", false),
            ] {
                let url = Self.folder.appending(path: name)
                #expect(try TextStream.hasLabelSets(url, options: DatasetOptions()) == isSet, "\(name)")
            }
        }

        @Test("shards are read one after another, with a digest over their digests; errors name the shard")
        func shards() throws {
            let url = Self.folder.appending(path: "train-*-of-00003.parquet")
            let data = try TextDataset.load(url)
            let whole = try load("named.parquet")
            #expect(data.examples == Array(whole.examples.prefix(39)) && data.labels == whole.labels)
            let digests = try DataFiles.files(url).map { try Digest.sha256(ofFile: $0) }
            #expect(digests.count == 3 && data.sha256 == Digest.sha256(digests.map { $0 + "\n" }.joined()))
            let stream = try TextStream(url)
            while try stream.next() != nil {}
            #expect(stream.sha256 == data.sha256)
        }

        // MARK: - Damage

        private enum Outcome { case read, refused }

        private func outcome(_ bytes: [UInt8], _ options: DatasetOptions) throws -> Outcome {
            try Support.withFile("d.parquet", bytes) { url in
                do {
                    _ = try TextDataset.load(url, options: options)
                    return .read
                } catch {
                    #expect(error is DatasetError, "\(error)")
                    return .refused
                }
            }
        }

        @Test(
            "cut files are refused at every length",
            arguments: ["plain.parquet", "groups.parquet", "lists.parquet"])
        func cut(_ name: String) throws {
            let whole = Array(try Data(contentsOf: Self.folder.appending(path: name)))
            for length in stride(from: 0, to: whole.count, by: max(1, whole.count / 150)) {
                #expect(try outcome(Array(whole[..<length]), .init()) == .refused, "\(length)")
            }
        }

        @Test(
            "files with changed bytes are read or refused, but never end the process",
            arguments: [
                "plain.parquet", "groups.parquet", "pages.parquet", "checksums.parquet", "delta.parquet",
                "coded.parquet", "string_view.parquet", "null_lists.parquet", "others.parquet",
                "named.parquet",
            ])
        func mutations(_ name: String) throws {
            let whole = Array(try Data(contentsOf: Self.folder.appending(path: name)))
            var generator = SeededGenerator(seed: 23)
            let isSet = name == "null_lists.parquet"
            let options = DatasetOptions(labelForm: isSet ? .set : .name, allowsUnlabeled: isSet)
            // PARQUET_MUTATIONS=20000 looks longer.
            let rounds = Int(ProcessInfo.processInfo.environment["PARQUET_MUTATIONS"] ?? "") ?? 150
            var refused = 0
            for round in 0..<rounds {
                var bytes = whole
                // Every region in turn, then more than one byte.
                let start = whole.count * round / rounds
                bytes[start] ^= UInt8(1 << Int.random(in: 0..<8, using: &generator))
                for _ in 0..<(round % 3) {
                    let place = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[place] = UInt8.random(in: 0...255, using: &generator)
                }
                if try outcome(bytes, options) == .refused { refused += 1 }
            }
            #expect(refused > 0 && refused <= rounds)
        }

        @Test("a page whose checksum is there and wrong is refused, wherever it is hit")
        func checksums() throws {
            let url = Self.folder.appending(path: "checksums.parquet")
            let whole = Array(try Data(contentsOf: url))
            let plain = try TextDataset.load(url)
            let footer = whole.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            for place in stride(from: 4, to: whole.count - 8 - footer, by: 7) {
                var bytes = whole
                bytes[place] ^= 0x04
                try Support.withFile("d.parquet", bytes) { url in
                    // What is not refused was not needed: the rows are the same.
                    if let read = try? TextDataset.load(url) {
                        #expect(read.examples == plain.examples, "\(place)")
                    }
                }
            }
        }
    }
#endif
