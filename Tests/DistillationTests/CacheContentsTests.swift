import Datasets
import Files
import Foundation
import Testing
import Tokenizers

@testable import Distillation

@Suite("What a cache holds")
struct CacheContentsTests {
    let scratch: URL
    var root: URL { scratch.appending(path: "cache") }
    var cache: CacheContents { CacheContents(root) }

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(
            path: "distill-contents-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    /// Tokens of two files and the outputs of a teacher for one of them.
    private func fill() throws {
        for (name, count) in [("a.csv", 20), ("b.csv", 400)] {
            let text = "text,label\n" + (0..<count).map { "a good film \($0),\($0 % 2)\n" }.joined()
            let url = scratch.appending(path: name)
            try Data(text.utf8).write(to: url)
            var request = LabelRequest(teacher: Support.teacher, data: url)
            request.cache.directory = root
            if name == "a.csv" {
                _ = try LabelRun(request).run()
            } else {
                let classifier = try LoadedModel(Support.teacher)
                _ = try request.cache.loader(
                    DatasetOptions(), tokenizer: classifier.tokenizer, directory: Support.teacher,
                    maxLength: 16,
                    log: RunLog({ _ in })
                ).load(url, labels: .ignored)
            }
        }
    }

    private func age(_ url: URL, by seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -seconds)], ofItemAtPath: url.path)
    }

    private func tokens(_ name: String) throws -> URL {
        let entry = cache.entries().first { $0.kind == .tokens && $0.description.contains(name) }
        return URL(filePath: try #require(entry).path)
    }

    @Test("entries say what they are of, how large they are, and whether they are in use")
    func list() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        #expect(cache.entries().isEmpty)
        try fill()
        try Data("x".utf8).write(to: root.appending(path: "tokens/.k.tokens.partial-1a"))
        let entries = cache.entries()
        #expect(entries.map(\.kind) == [.tokens, .tokens, .teacherOutputs, .unfinished])
        #expect(entries.allSatisfy { $0.bytes > 0 && !$0.isUsed && $0.lastUse > 1e9 })
        #expect(entries.contains { $0.description.contains("b.csv, 400 examples") })
        let outputs = try #require(entries.first { $0.kind == .teacherOutputs })
        #expect(
            outputs.description.contains(Support.teacher.path) && outputs.description.hasSuffix(" outputs"))
        #expect(entries.last?.description == "left by a process that was killed")
    }

    @Test("verify finds what was damaged or renamed, and removes it where asked")
    func verify() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        try fill()
        #expect(cache.verify().isEmpty)
        let renamed = root.appending(path: "tokens/\(String(repeating: "0", count: 64)).tokens")
        try FileManager.default.copyItem(at: tokens("a.csv"), to: renamed)
        let teachers = try #require(cache.entries().first { $0.kind == .teacherOutputs }).path
        let segment = try #require(
            try FileManager.default.contentsOfDirectory(atPath: teachers).first { $0.hasSuffix(".logits") })
        let file = URL(filePath: teachers).appending(path: segment)
        var bytes = try Data(contentsOf: file)
        bytes[20] ^= 1
        try bytes.write(to: file)
        let problems = cache.verify()
        #expect(Set(problems.map(\.path)) == [renamed.path, file.path])
        #expect(problems.contains { $0.reason == "it holds the tokens of other data" })
        #expect(cache.verify(removing: true).allSatisfy { $0.isRemoved })
        #expect(cache.verify().isEmpty)
        // A directory that somebody else put there stays.
        let other = root.appending(path: "tokens/mine")
        try FileManager.default.createDirectory(at: other, withIntermediateDirectories: false)
        #expect(cache.verify(removing: true).map(\.isRemoved) == [false])
        #expect(FileManager.default.fileExists(atPath: other.path))
    }

    @Test("prune goes by age and by size, spares what is in use, and always takes what killed processes left")
    func prune() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        try fill()
        let dead = root.appending(path: "tokens/.k.tokens.partial-1a")
        try Data("x".utf8).write(to: dead)
        #expect(cache.prune(.init()).removed.map(\.kind) == [.unfinished])
        #expect(!FileManager.default.fileExists(atPath: dead.path))
        // A merged model that was being written is a directory.
        let staged = root.appending(path: "merged/.0a.partial-1a")
        try FileManager.default.createDirectory(
            at: staged.appending(path: "1_Pooling"), withIntermediateDirectories: true)
        for name in ["config.json", "1_Pooling/config.json"] {
            try Data("{}".utf8).write(to: staged.appending(path: name))
        }
        let left = cache.prune(.init())
        #expect(left.removed.map(\.kind) == [.unfinished] && left.bytesBefore - left.bytesAfter == 4)
        #expect(!FileManager.default.fileExists(atPath: staged.path))

        let a = try tokens("a.csv")
        try age(a, by: 10 * 86_400)
        #expect(cache.prune(.init(olderThan: 86_400), isTrial: true).removed.map(\.path) == [a.path])
        let used = FileUse(a)
        #expect(cache.prune(.init(olderThan: 86_400)).kept.map(\.path) == [a.path])
        withExtendedLifetime(used) {}
        #expect(FileManager.default.fileExists(atPath: a.path))
    }

    @Test(
        "what was used longest ago goes first, until the rest is small enough; all is all but rescued models")
    func size() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        try fill()
        let (a, b) = (try tokens("a.csv"), try tokens("b.csv"))
        try age(b, by: 7200)
        let total = cache.entries().reduce(0) { $0 + $1.bytes }
        let report = cache.prune(.init(maximumBytes: total - 1))
        #expect(report.removed.map(\.path) == [b.path])
        #expect(report.bytesAfter == cache.entries().reduce(0) { $0 + $1.bytes })
        // What is opened counts as young again.
        try age(a, by: 7200)
        _ = try ChecksummedFile(a, format: TokenBuilder.format)
        #expect(try #require(Pruning.lastUse(of: a)) > Date().timeIntervalSince1970 - 60)
        try FileManager.default.createDirectory(
            at: root.appending(path: "rescued/out-1"), withIntermediateDirectories: true)
        #expect(cache.prune(.init(all: true)).bytesAfter == 0)
        #expect(cache.entries().map(\.kind) == [.rescued])
    }

    @Test("a folder of outputs is not pruned while a run holds them, even before it has written any")
    func storeInUse() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let teacher = try LoadedModel(Support.teacher)
        let identity = try TeacherIdentity(teacher, precision: .float32, memo: DigestMemo(root: nil))
        var store: OutputStore? = OutputStore(root: root, identity: identity)
        #expect(cache.prune(.init(all: true)).kept.map(\.kind) == [.teacherOutputs])
        try store?.append([ExampleKey(high: 1, low: 1)], [0.5, 0.5])
        try store?.flush()
        #expect(store?.warnings == [])
        store = nil
        #expect(cache.prune(.init(all: true)).removed.map(\.kind) == [.teacherOutputs])
    }
}
