import Datasets
import Files
import Foundation
import RegularExpressions
import Testing
import Tokenizers

@testable import Distillation

@Suite("Tokenized data on disk")
struct DatasetLoaderTests {
    let scratch: URL
    let teacher = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../InteropTests/Fixtures/tiny-teacher").standardizedFileURL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-data-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func write(_ text: String, _ name: String = "d.csv") throws -> URL {
        let url = scratch.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url
    }

    private func csv(_ count: Int) -> String {
        "text,label\n"
            + (0..<count).map { "the film \($0) was a great story,\($0 % 3 == 0 ? "good" : "bad")\n" }
            .joined()
    }

    private func loader(
        maxLength: Int = 16, cached: Bool = true, options: DatasetOptions = DatasetOptions(),
        warn: @escaping (String) -> Void = { _ in }
    ) throws -> DatasetLoader {
        let root = scratch.appending(path: "cache")
        return DatasetLoader(
            options: options, tokenizer: try Tokenizer.load(directory: teacher), tokenizerDirectory: teacher,
            maxLength: maxLength, root: cached ? root : nil, memo: DigestMemo(root: cached ? root : nil),
            warn: warn)
    }

    private func tokenFiles() -> [URL] {
        let folder = scratch.appending(path: "cache/tokens")
        return (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil))
            ?? []
    }

    private func expectSame(_ a: EncodedDataset, _ b: EncodedDataset) throws {
        #expect(a.count == b.count && a.labels == b.labels && a.lengths == b.lengths)
        #expect(a.truncatedCount == b.truncatedCount && a.hasPairs == b.hasPairs)
        for index in 0..<min(a.count, b.count) { #expect(try a.example(index) == b.example(index)) }
    }

    @Test("the cache, a file without a name and memory hold the same, also of pairs and of several chunks")
    func equality() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let pairs = "premise,hypothesis,label\na film,a story,0\ngreat,the plot was dull,1\n"
        for (text, name) in [(csv(9000), "d.csv"), (pairs, "p.csv")] {
            let url = try write(text, name)
            let memory = try TextDataset.load(url)
            let expected = try EncodedDataset(
                memory, tokenizer: Tokenizer.load(directory: teacher), maxLength: 16)
            for cached in [true, true, false] {
                let loaded = try loader(cached: cached).load(url, labels: .inferred)
                try expectSame(loaded.dataset, expected)
                #expect(loaded.labels == memory.labels)
                #expect(loaded.record.sha256 == memory.sha256 && loaded.record.examples == expected.count)
            }
        }
        #expect(tokenFiles().count == 2)
    }

    @Test("what decides the tokens or labels decides the file")
    func keys() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let url = try write(csv(20))
        _ = try loader().load(url, labels: .inferred)
        #expect(tokenFiles().count == 1)
        _ = try loader(maxLength: 8).load(url, labels: .inferred)
        #expect(tokenFiles().count == 2)
        _ = try loader().load(url, labels: .ignored)
        #expect(tokenFiles().count == 3)
        _ = try loader(options: DatasetOptions(textColumn: "label")).load(url, labels: .ignored)
        #expect(tokenFiles().count == 4)
        let turned = try LabelMap(names: ["good", "bad"])
        let other = try loader().load(url, labels: .given(turned))
        #expect(other.dataset.labels.first == 0 && tokenFiles().count == 5)
        _ = try loader().load(try write(csv(21)), labels: .inferred)
        #expect(tokenFiles().count == 6)
    }

    @Test("a damaged file is told, and made again")
    func damage() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let url = try write(csv(20))
        let expected = try loader().load(url, labels: .inferred)
        let file = try #require(tokenFiles().first)
        let whole = Array(try Data(contentsOf: file))
        for place in stride(from: 0, to: whole.count, by: 23) {
            var changed = whole
            changed[place] ^= 0x40
            for bytes in [changed, Array(whole[..<place])] {
                try Data(bytes).write(to: file)
                var warnings: [String] = []
                let again = try loader(warn: { warnings.append($0) }).load(url, labels: .inferred)
                try expectSame(again.dataset, expected.dataset)
                #expect(warnings.count == 1 && warnings[0].contains("tokenized again"), "\(place)")
                #expect(try Array(Data(contentsOf: file)) == whole)
            }
        }
    }

    @Test("a file under another's name is told, removed and made again")
    func swapped() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (one, other) = (try write(csv(20), "a.csv"), try write(csv(33), "b.csv"))
        _ = try loader().load(one, labels: .inferred)
        let first = try #require(tokenFiles().first)
        _ = try loader().load(other, labels: .inferred)
        let expected = try loader(cached: false).load(other, labels: .inferred)
        let second = try #require(tokenFiles().first { $0 != first })
        let (bytes, others) = (try Data(contentsOf: first), try Data(contentsOf: second))
        try others.write(to: first)
        try bytes.write(to: second)
        for (url, count) in [(one, 20), (other, 33)] {
            var warnings: [String] = []
            let again = try loader(warn: { warnings.append($0) }).load(url, labels: .inferred)
            #expect(again.dataset.count == count)
            #expect(
                warnings.count == 1 && warnings[0].contains("holds the tokens of other data"), "\(warnings)")
        }
        try expectSame(loader().load(other, labels: .inferred).dataset, expected.dataset)
        #expect(try Data(contentsOf: first) == bytes && Data(contentsOf: second) == others)
    }

    @Test("a cache that cannot be made is a warning")
    func unwritable() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        try Data().write(to: scratch.appending(path: "cache"))
        var warnings: [String] = []
        let loaded = try loader(warn: { warnings.append($0) }).load(try write(csv(20)), labels: .inferred)
        #expect(loaded.dataset.count == 20)
        #expect(warnings.count == 1 && warnings[0].contains("--no-data-cache"), "\(warnings)")
    }

    @Test("a file without labels, and an unknown label, are refused with the line; nothing stays")
    func refusals() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let map = try LabelMap(names: ["good", "bad"])
        #expect(throws: DistillationError.self) { try loader().load(write("text\na\n"), labels: .inferred) }
        #expect(throws: DistillationError.self) { try loader().load(write("text\na\n"), labels: .given(map)) }
        let error = #expect(throws: DatasetError.self) {
            try loader().load(write("text,label\na,good\nb,fine\n"), labels: .given(map))
        }
        #expect(error?.description.contains("line 3: unknown label 'fine'") == true)
        #expect(tokenFiles().isEmpty)
        #expect(try loader().load(write("text\na\n"), labels: .ignored).dataset.labels == [-100])
    }

    @Test("a split of views is the split of the texts")
    func split() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let url = try write(csv(200))
        let texts = try TextDataset.load(url).split(validationFraction: 0.2, seed: 9)
        let views = try loader().load(url, labels: .inferred).dataset.split(
            validationFraction: 0.2, seed: 9, source: "d.csv")
        let tokenizer = try Tokenizer.load(directory: teacher)
        for (view, part) in [(views.train, texts.train), (views.validation, texts.validation)] {
            try expectSame(view, EncodedDataset(part, tokenizer: tokenizer, maxLength: 16))
        }
    }

    @Test("a remembered digest holds until the file changes, and a damaged memory is no digest")
    func memo() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let memo = DigestMemo(root: scratch.appending(path: "cache"))
        let url = scratch.appending(path: "weights")
        try Data(repeating: 7, count: DigestMemo.smallest).write(to: url)
        let first = try memo.sha256(ofFile: url)
        #expect(try first == Digest.sha256(ofFile: url))
        // A file that has just been written is not remembered.
        let folder = scratch.appending(path: "cache/digests")
        #expect((try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.isEmpty ?? true)
        Thread.sleep(forTimeInterval: 3.1)
        #expect(try memo.sha256(ofFile: url) == first)
        let kept = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(kept.count == 1)
        let file = try #require(kept.first)
        let line = try String(contentsOf: file, encoding: .utf8)
        try ("0" + line.dropFirst()).write(to: file, atomically: true, encoding: .utf8)
        #expect(try memo.sha256(ofFile: url) == first)
        // Nor is one that got under another file's name.
        #expect(
            DigestMemo.path(ofMemo: line, named: file.lastPathComponent) == url.resolvingSymlinksInPath().path
        )
        #expect(DigestMemo.path(ofMemo: line, named: Digest.sha256("/elsewhere")) == nil)
        try Data(repeating: 8, count: DigestMemo.smallest).write(to: url)
        #expect(try memo.sha256(ofFile: url) == Digest.sha256(ofFile: url))
    }
}
