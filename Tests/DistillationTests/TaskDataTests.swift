import Datasets
import Files
import Foundation
import RegularExpressions
import Testing
import Tokenizers
import Transformers

@testable import Distillation

@Suite("Data of every problem type, as a run reads them")
struct TaskDataTests {
    let scratch: URL
    let teacher = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../InteropTests/Fixtures/tiny-teacher").standardizedFileURL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-task-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func write(_ text: String, _ name: String) throws -> URL {
        let url = scratch.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url
    }

    private func loader(
        cached: Bool = true, separator: String = ",", warn: @escaping (String) -> Void = { _ in }
    ) throws -> DatasetLoader {
        let root = cached ? scratch.appending(path: "cache") : nil
        return DatasetLoader(
            options: DatasetOptions(labelSeparator: separator),
            tokenizer: try Tokenizer.load(directory: teacher), tokenizerDirectory: teacher, maxLength: 16,
            root: root, memo: DigestMemo(root: root), warn: warn)
    }

    private func tokenFiles() -> [URL] {
        let folder = scratch.appending(path: "cache/tokens")
        return (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil))
            ?? []
    }

    private func rows(_ count: Int, _ label: (Int) -> String) -> String {
        "text,label\n" + (0..<count).map { "the film \($0) was a great story,\(label($0))\n" }.joined()
    }

    private func expectSame(_ a: EncodedDataset, _ b: EncodedDataset) throws {
        #expect(a.problemType == b.problemType && a.classCount == b.classCount && a.lengths == b.lengths)
        #expect((0..<a.count).map(a.label) == (0..<b.count).map(b.label))
        #expect((0..<a.count).map(a.labelSet) == (0..<b.count).map(b.labelSet))
        #expect(
            (0..<a.count).map { a.value(of: $0).bitPattern }
                == (0..<b.count).map { b.value(of: $0).bitPattern })
        for index in stride(from: 0, to: min(a.count, b.count), by: 97) {
            #expect(try a.example(index) == b.example(index))
        }
    }

    private func csv(_ type: TaskIdentifier, _ count: Int) -> String {
        switch type {
        case .singleLabel, .tokenClassification, .causalLanguageModel:
            rows(count) { $0 % 5 == 0 ? "" : $0 % 3 == 0 ? "good" : "bad" }
        case .multiLabel: rows(count) { ["", "\"good,long\"", "long", "bad"][$0 % 4] }
        case .regression, .embedding, .ranking: rows(count) { $0 % 5 == 0 ? "" : "\(Double($0) / 8 - 100)" }
        }
    }

    @Test(
        "the cache, a file without a name and memory hold the same, also of several chunks",
        arguments: TaskIdentifier.sequenceTasks)
    func equality(_ type: TaskIdentifier) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let url = try write(csv(type, 5000), "d.csv")
        let texts = try TextDataset.load(
            url, options: DatasetOptions(labelForm: type.definition.labelForm, allowsUnlabeled: true))
        let expected = try EncodedDataset(
            texts, tokenizer: Tokenizer.load(directory: teacher), maxLength: 16, allowsUnlabeled: true)
        #expect(expected.labeledCount == (type == .multiLabel ? 5000 : 4000))
        for cached in [true, true, false] {
            let loaded = try loader(cached: cached).load(
                url, labels: .inferred, problemType: type, allowsUnlabeled: true)
            try expectSame(loaded.dataset, expected)
            #expect(loaded.labels == (type == .regression ? try LabelMap(names: ["LABEL_0"]) : texts.labels))
        }
        #expect(tokenFiles().count == 1)
        if type != .multiLabel {
            #expect(throws: DatasetError.self) {
                try loader().load(url, labels: .inferred, problemType: type)
            }
        }
    }

    @Test("problem type, separator and leave to have no label decide the file")
    func keys() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let url = try write(rows(8) { "\($0 % 2)" }, "d.csv")
        var expected = 0
        for type in TaskIdentifier.sequenceTasks {
            for unlabelled in [false, true] {
                for separator in [",", ";"] {
                    for _ in 0..<2 {
                        let loaded = try loader(separator: separator).load(
                            url, labels: .inferred, problemType: type, allowsUnlabeled: unlabelled)
                        #expect(loaded.dataset.problemType == type && loaded.dataset.labeledCount == 8)
                    }
                    expected += 1
                    #expect(tokenFiles().count == expected)
                }
            }
        }
    }

    @Test("a damaged file of sets is told, and made again")
    func damage() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let url = try write(csv(.multiLabel, 20), "d.csv")
        let expected = try loader().load(url, labels: .inferred, problemType: .multiLabel)
        let file = try #require(tokenFiles().first)
        let whole = Array(try Data(contentsOf: file))
        for place in stride(from: 5, to: whole.count, by: 31) {
            var changed = whole
            changed[place] ^= 0x10
            try Data(changed).write(to: file)
            var warnings: [String] = []
            let again = try loader(warn: { warnings.append($0) }).load(
                url, labels: .inferred, problemType: .multiLabel)
            try expectSame(again.dataset, expected.dataset)
            #expect(warnings.count == 1 && warnings[0].contains("tokenized again"), "\(place)")
        }
    }

    @Test("a file of an older version is not believed")
    func olderVersion() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let file = scratch.appending(path: "old.tokens")
        try ChecksummedFile.write(to: file, format: .init(magic: "DSTLTOKS", version: 1)) { writer in
            Array(#"{"count":0,"id_bytes":2,"labels":null,"types":false}"#.utf8)
        }
        #expect(throws: ChecksummedFile.Problem.self) { try TokenBuilder.open(file, key: "", maxLength: 16) }
    }

    // MARK: - A run's data

    private func request(_ train: URL, _ change: (inout DataRequest) -> Void = { _ in }) -> DataRequest {
        var request = DataRequest(train: train)
        change(&request)
        return request
    }

    @Test("fine-tuning finds sets in JSON arrays, and takes the type that is asked for")
    func inference() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let arrays = try write(
            (0..<20).map {
                "{\"text\": \"film \($0)\", \"labels\": [\($0 % 2 == 0 ? "\"a\", \"b\"" : "")]}\n"
            }
            .joined(), "d.jsonl")
        let sets = try RunData(request(arrays), labels: nil, loader: loader(), seed: 1)
        #expect(sets.problemType == .multiLabel && sets.labels.names == ["a", "b"])
        #expect(sets.validation.count == 2 && sets.train.labeledCount == 18)
        let numbers = try write(rows(20) { "\($0 % 2).5" }, "n.csv")
        let values = try RunData(
            request(numbers) { $0.problemType = .regression }, labels: nil, loader: loader(), seed: 1)
        #expect(values.problemType == .regression && values.labels.names == ["LABEL_0"])
        #expect(values.train.classCount == 1)
        let classes = try RunData(request(numbers), labels: nil, loader: loader(), seed: 1)
        #expect(classes.problemType == .singleLabel && classes.labels.names == ["0.5", "1.5"])
        let bars = try write(rows(20) { ["x|y", "y"][$0 % 2] }, "b.csv")
        let several = try RunData(
            request(bars) {
                ($0.problemType, $0.columns.labelSeparator) = (.multiLabel, "|")
            }, labels: nil, loader: loader(separator: "|"), seed: 1)
        #expect(several.labels.names == ["x", "y"] && several.train.classCounts[1] == 18)
        #expect(request(bars) { $0.columns.labelSeparator = "|" }.columns.options.labelSeparator == "|")
    }

    @Test("with a teacher, training texts may lack labels, and files of such texts are added behind")
    func unlabelled() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let map = try LabelMap(names: ["bad", "good"])
        let url = try write(csv(.singleLabel, 50), "d.csv")
        let more = try write("text\nanother film\na third film\n", "more.csv")
        // Labels in such a file are not read.
        let odd = try write("text,label\nsome other film,unknown\n", "odd.csv")
        let plain = try RunData(
            request(url), labels: map, problemType: .singleLabel, loader: loader(), seed: 1)
        let data = try RunData(
            request(url) { $0.unlabelled = [more, odd] }, labels: map, problemType: .singleLabel,
            loader: loader(), seed: 1)
        #expect(plain.train.count == 46 && plain.train.labeledCount == 36)
        #expect(data.train.count == 49 && data.train.labeledCount == 36)
        #expect(data.validation.labeledCount == data.validation.count)
        for index in 0..<46 { #expect(try data.train.example(index) == plain.train.example(index)) }
        #expect(data.train.labels.prefix(46) == plain.train.labels[...])
        #expect(data.train.labels.suffix(3) == [-100, -100, -100])
        #expect(data.trainRecord.examples == 46 && data.unlabelledRecords.map(\.examples) == [2, 1])
        #expect(data.unlabeledNote?.hasPrefix("13 of 49 training texts have no label") == true)
        #expect(request(url) { $0.unlabelled = [more] }.files.contains(more))

        // No label at all is enough to train on, not to judge by.
        let validation = try write("text,label\na,good\nb,bad\n", "v.csv")
        let texts = try RunData(
            request(more) { $0.validation = validation }, labels: map, problemType: .singleLabel,
            loader: loader(), seed: 1)
        #expect(texts.train.labeledCount == 0 && texts.validation.labels == [1, 0])
        #expect(throws: DistillationError.self) {
            try RunData(request(more), labels: map, problemType: .singleLabel, loader: loader(), seed: 1)
        }
        let empty = try write("text,label\na,good\nb,\n", "e.csv")
        #expect(throws: DatasetError.self) {
            try RunData(
                request(url) { $0.validation = empty }, labels: map, problemType: .singleLabel,
                loader: loader(), seed: 1)
        }
    }

    @Test("what contradicts itself is refused")
    func refusals() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let url = try write(csv(.multiLabel, 50), "d.csv")
        let map = try LabelMap(names: ["bad", "good", "long"])
        let other = #expect(throws: DistillationError.self) {
            try RunData(
                request(url) { $0.problemType = .regression }, labels: map, problemType: .multiLabel,
                loader: loader(), seed: 1)
        }
        #expect(other?.description.contains("multi_label_classification") == true)
        let alone = #expect(throws: DistillationError.self) {
            try RunData(request(url) { $0.unlabelled = [url] }, labels: nil, loader: loader(), seed: 1)
        }
        #expect(alone?.description.contains("no teacher") == true)
        #expect(throws: DatasetError.self) {
            try RunData(
                request(url) { $0.problemType = .regression }, labels: nil, loader: loader(), seed: 1)
        }
        let none = try write(rows(20) { _ in "" }, "none.csv")
        #expect(throws: DistillationError.self) {
            try RunData(
                request(none) { $0.problemType = .multiLabel }, labels: nil, loader: loader(), seed: 1)
        }
    }
}
