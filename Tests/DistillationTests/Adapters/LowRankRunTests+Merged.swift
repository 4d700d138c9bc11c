import Files
import Foundation
import JSON
import Testing
import Transformers

@testable import Distillation

/// Adapters as models: the directories that they are merged into.
extension LowRankRunTests {
    /// Adapters of a copy of the teacher, and the cache in which they are merged.
    private struct Merged {
        let base: URL
        let adapter: URL
        let cache: CacheOptions
        let directory: URL

        /// Asks for the model again, and returns whether it was merged anew.
        func isMergedAnew() throws -> Bool {
            var isMerged = false
            let again = try MergedAdapter.directory(
                for: adapter, cache: cache, locate: { throw DistillationError("no \($0) here") },
                onMerge: { _ in isMerged = true })
            #expect(again == directory)
            return isMerged
        }
    }

    private func merged() throws -> Merged {
        var request = request("trained")
        let base = scratch.appending(path: "base")
        try FileManager.default.copyItem(at: Support.teacher, to: base)
        request.model = base
        request.training.maxSteps = 1
        _ = try FineTuningRun(request).run()
        var cache = CacheOptions()
        cache.directory = scratch.appending(path: "cache")
        let adapter = request.output.appending(path: "adapter")
        let directory = try MergedAdapter.directory(
            for: adapter, cache: cache, locate: { throw DistillationError("no \($0) here") })
        return Merged(base: base, adapter: adapter, cache: cache, directory: directory)
    }

    private func truncate(_ directory: URL) throws {
        let file = directory.appending(path: "model.safetensors")
        let bytes = try Data(contentsOf: file)
        try bytes.prefix(bytes.count / 2).write(to: file)
    }

    @Test("the base of adapters is an input like the adapters: no output replaces it")
    func baseIsInput() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let merged = try merged()
        let weights = try tensors(merged.base.appending(path: "model.safetensors"))
        #expect(
            MergedAdapter.sources(of: merged.directory).map(\.path).contains(
                merged.base.standardizedFileURL.path))
        // What another process has merged, it has a record of.
        let record = try #require(MergedRecord(contentsOf: merged.directory))
        #expect(record.base == merged.base.standardizedFileURL.path)
        for output in [merged.base, merged.adapter, scratch.appending(path: "trained")] {
            let error = #expect(throws: DistillationError.self, "\(output.path)") {
                try OutputDirectory(
                    output, overwrite: true, inputs: [merged.directory], cache: merged.cache)
            }
            #expect(error?.description.contains("is or holds the input") == true)
        }
        var request = request("again") { $0.save = .merged }
        (request.model, request.output, request.overwrite) = (merged.directory, merged.base, true)
        #expect(throws: DistillationError.self) { try FineTuningRun(request).run() }
        #expect(try tensors(merged.base.appending(path: "model.safetensors")) == weights)
        #expect(MergedAdapter.sources(of: merged.base).isEmpty)
    }

    @Test("adapters of a merged model are not saved by themselves: their base would be in the cache")
    func adaptersOfMerged() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let merged = try merged()
        var request = request("again")
        request.model = merged.directory
        let error = #expect(throws: DistillationError.self) { try FineTuningRun(request) }
        #expect(error?.description.contains("--lora-save adapter") == true)
        #expect(error?.description.contains(merged.adapter.path) == true)
        let plain = LoRAOptions(rank: 2)
        try plain.requireBase(merged.directory)
        // A copy of one's own is a base like any other.
        let own = scratch.appending(path: "own")
        try FileManager.default.copyItem(at: merged.directory, to: own)
        var options = plain
        options.save = .adapter
        try options.requireBase(own)
        #expect(throws: DistillationError.self) { try options.requireBase(merged.directory) }
    }

    @Test("verify reads merged models through, removes damaged ones, and a command merges them anew")
    func verified() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let merged = try merged()
        let contents = CacheContents(merged.cache.root)
        #expect(contents.verify().isEmpty && contents.verify(removing: true).isEmpty)
        let file = merged.directory.appending(path: "model.safetensors")
        let weights = try tensors(file)
        #expect(try !merged.isMergedAnew())

        try truncate(merged.directory)
        let problems = contents.verify()
        #expect(problems.count == 1)
        #expect(
            problems.first.map { URL(filePath: $0.path).lastPathComponent }
                == merged.directory.lastPathComponent)
        #expect(problems.first?.reason.contains("model.safetensors") == true)
        #expect(try merged.isMergedAnew())
        #expect(try !merged.isMergedAnew())
        #expect(try tensors(file) == weights && contents.verify().isEmpty)

        // A byte of another value, a missing file and one too many are noticed too.
        let config = merged.directory.appending(path: "config.json")
        let text = try String(contentsOf: config, encoding: .utf8)
        try Data((text + " ").utf8).write(to: config)
        #expect(contents.verify().count == 1)
        try Data(text.utf8).write(to: config)
        #expect(contents.verify().isEmpty)
        try Data("x".utf8).write(to: merged.directory.appending(path: "other.txt"))
        #expect(contents.verify().first?.reason.contains("other.txt") == true)
        let removed = contents.verify(removing: true).map(\.isRemoved)
        #expect(!removed.isEmpty && !removed.contains(false))
        #expect(contents.verify().isEmpty && !merged.directory.fileExists)
        #expect(try merged.isMergedAnew())
    }

    @Test("a base that is not there is named with the field that names it")
    func missingBase() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let merged = try merged()
        try FileManager.default.removeItem(at: merged.base)
        for place in [nil, merged.base] as [URL?] {
            let error = #expect(throws: DistillationError.self) {
                try MergedAdapter.directory(
                    for: merged.adapter, cache: merged.cache,
                    locate: { name in
                        guard let place else { throw DistillationError("no \(name) on the Hub") }
                        return place
                    })
            }
            let message = error?.description ?? ""
            #expect(message.contains("adapter_config.json: base_model_name_or_path"), "\(message)")
            #expect(message.contains(merged.base.path), "\(message)")
        }
    }

    @Test("adapters beside random weights are refused by both settings")
    func randomStudent() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        for start in [nil, StudentOptions.Initialization.random] {
            var student = DistillRequest(
                teacher: Support.teacher, data: DataRequest(train: Support.reviews),
                output: scratch.appending(path: "student"))
            student.student.layers = 2
            student.student.statedInitialization = start
            student.training.maxSteps = 1
            student.training.lora = LoRAOptions(rank: 2)
            student.cache = Support.cache
            let error = #expect(throws: (any Error).self) { try DistillationRun(student).run() }
            let message = error.map { "\($0)" } ?? ""
            #expect(message.contains("--lora-rank") && message.contains("--init"), "\(message)")
        }
    }
}
