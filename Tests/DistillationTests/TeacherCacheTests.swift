import Files
import Foundation
import Testing
import Tokenizers
import Torch

@testable import Distillation

@Suite("A teacher's outputs on disk")
struct TeacherCacheTests {
    let scratch: URL
    var root: URL { scratch.appending(path: "cache") }
    let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../InteropTests/Fixtures").standardizedFileURL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-cache-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func teacher(_ directory: URL? = nil) throws -> LoadedModel {
        try LoadedModel(directory ?? fixtures.appending(path: "tiny-teacher"))
    }

    private func identity(
        _ teacher: LoadedModel, _ precision: Precision = .float32
    ) throws -> TeacherIdentity {
        try TeacherIdentity(teacher, precision: precision, memo: DigestMemo(root: nil))
    }

    private func store(_ teacher: LoadedModel) throws -> OutputStore {
        OutputStore(root: root, identity: try identity(teacher))
    }

    private func label(
        _ data: EncodedDataset, _ teacher: LoadedModel, _ store: OutputStore
    ) throws -> TeacherInference.Result {
        try #require(
            try TeacherInference(teacher: teacher, batchSize: 16, precision: .float32).outputs(
                for: data, in: store))
    }

    private func segments(_ teacher: LoadedModel) throws -> [URL] {
        let folder = root.appending(path: "teachers").appending(path: try identity(teacher).key)
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "logits" }
    }

    /// The largest difference from what the teacher says when asked directly.
    private func error(
        _ result: TeacherInference.Result, _ data: EncodedDataset, _ teacher: LoadedModel
    ) throws -> Float {
        let direct = try Support.logits(teacher.model, data)
        return zip(try result.outputs.logits().values, direct.values).map { abs($0 - $1) }.max() ?? 0
    }

    @Test("a second time nothing is computed, whatever part and order of the data is asked for")
    func hits() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (teacher, data) = (try teacher(), Support.dataset(count: 60))
        let cold = try label(data, teacher, store(teacher))
        #expect(cold.computed == 60 && cold.cached == 0)
        #expect(try error(cold, data, teacher) < 1e-5)
        let warm = try label(data, teacher, store(teacher))
        #expect(warm.computed == 0 && warm.cached == 60)
        #expect(try warm.outputs.logits() == cold.outputs.logits())
        for indices in [Array(0..<30), Array((0..<60).reversed()), [5, 5, 7, 5]] {
            let part = try label(data.subset(indices), teacher, store(teacher))
            #expect(part.computed == 0)
            #expect(try part.outputs.logits().values == cold.outputs.rows(indices))
        }
    }

    @Test("what is missing is computed, each example once, and the rest is taken")
    func partial() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (teacher, data) = (try teacher(), Support.dataset(count: 60))
        _ = try label(data.subset(stride(from: 0, to: 60, by: 2)), teacher, store(teacher))
        let whole = try label(data, teacher, store(teacher))
        #expect(whole.computed == 30 && whole.cached == 30)
        #expect(try error(whole, data, teacher) < 1e-5)
        let other = Support.dataset(count: 9, seed: 99)
        let twice = try label(other.subset([0, 1, 0, 1, 2, 2]), teacher, store(teacher))
        #expect(twice.computed == 3)
    }

    @Test("without a directory the same bits are computed")
    func memory() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (teacher, data) = (try teacher(), Support.dataset(count: 60).subset([4, 9, 4, 1, 30, 2, 9]))
        let kept = try label(data, teacher, store(teacher))
        let unkept = try label(data, teacher, OutputStore(.logits(2)))
        #expect(try kept.outputs.logits() == unkept.outputs.logits())
        #expect(kept.computed == unkept.computed)
    }

    @Test("other weights, another tokenizer or precision are another teacher")
    func keys() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var keys: Set<String> = [try identity(teacher()).key, try identity(teacher(), .bfloat16).key]
        for file in ["model.safetensors", "config.json", "tokenizer_config.json"] {
            let copy = scratch.appending(path: "copy-\(file)")
            try FileManager.default.copyItem(at: fixtures.appending(path: "tiny-teacher"), to: copy)
            let same = try identity(teacher(copy)).key
            #expect(try same == identity(teacher()).key)
            var bytes = try Data(contentsOf: copy.appending(path: file))
            if file.hasSuffix("json") { bytes += Data("\n".utf8) } else { bytes[bytes.count - 1] ^= 1 }
            try bytes.write(to: copy.appending(path: file))
            keys.insert(try identity(teacher(copy)).key)
        }
        #expect(keys.count == 5)
    }

    @Test(
        "a change of any byte of a segment, and any cut, is noticed: it is told and computed again, never used"
    )
    func damage() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (teacher, data) = (try teacher(), Support.dataset(count: 6))
        let expected = try label(data, teacher, store(teacher)).outputs.logits()
        let file = try #require(try segments(teacher).first)
        let whole = Array(try Data(contentsOf: file))
        for place in whole.indices {
            var changed = whole
            changed[place] ^= 1 << (place % 8)
            try Data(changed).write(to: file)
            let store = try store(teacher)
            #expect(store.segments.isEmpty && store.warnings.count == 1, "byte \(place)")
            if place.isMultiple(of: 29) {
                let again = try label(data, teacher, store)
                #expect(again.computed == 6 && store.isPersistent)
                #expect(try again.outputs.logits() == expected)
                for other in try segments(teacher) where other != file {
                    try FileManager.default.removeItem(at: other)
                }
            }
            try Data(whole[..<place]).write(to: file)
            #expect(try self.store(teacher).segments.isEmpty, "cut to \(place)")
        }
        // Whole, but another teacher's: left alone, and said.
        let other = scratch.appending(path: "copy")
        try FileManager.default.copyItem(at: fixtures.appending(path: "tiny-teacher"), to: other)
        try Data("{}".utf8).write(to: other.appending(path: "special_tokens_map.json"))
        let stranger = try self.teacher(other)
        _ = try self.store(stranger)
        try Data(whole).write(
            to: root.appending(path: "teachers/\(identity(stranger).key)/foreign.logits"))
        let found = try self.store(stranger)
        #expect(found.segments.isEmpty && found.warnings.first?.contains("another teacher's") == true)
        #expect(try segments(stranger).count == 1)
    }

    @Test("several that compute at the same time leave whole segments, of which many become one")
    func concurrent() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let data = Support.dataset(count: 80)
        let identity = try identity(teacher())
        let root = root
        let direct = try Support.logits(teacher().model, data)
        DispatchQueue.concurrentPerform(iterations: 8) { place in
            let store = OutputStore(root: root, identity: identity)
            var keys: [ExampleKey] = []
            var values: [Float] = []
            var scratch: [UInt8] = []
            for index in place * 5..<place * 5 + 45 {
                guard let example = try? data.example(index) else { return }
                keys.append(ExampleKey(example, scratch: &scratch))
                values += direct[index]
            }
            try? store.append(keys, values)
            try? store.flush()
        }
        let teacher = try teacher()
        let store = try store(teacher)
        #expect(store.segments.count == 8 && store.warnings.isEmpty)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            OutputStore(root: root, identity: identity).compact()
        }
        store.compact()
        let merged = try self.store(teacher)
        #expect(merged.segments.count <= 4 && merged.warnings.isEmpty)
        // Those that were open go on being read.
        for store in [store, merged] {
            let result = try label(data, teacher, store)
            #expect(result.computed == 0)
            #expect(try result.outputs.logits() == direct)
        }
    }

    @Test("an interrupted computation goes on where it was, and ends with the same bits")
    func resume() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let teacher = try teacher()
        let data = Support.dataset(count: 5000)
        let whole = try label(data, teacher, OutputStore(.logits(2)))
        var done = 0
        let stopped = try TeacherInference(teacher: teacher, batchSize: 16, precision: .float32).outputs(
            for: data, in: store(teacher), onProgress: { done = $0 }, shouldStop: { done > 2500 })
        #expect(stopped == nil)
        let kept = try store(teacher).segments.reduce(0) { $0 + $1.count }
        #expect(kept > 0 && kept <= 2048)
        let rest = try label(data, teacher, store(teacher))
        #expect(rest.computed == whole.computed - kept)
        #expect(try rest.outputs.logits() == whole.outputs.logits())
    }

    @Test("the parts of all shards are the whole, each example once")
    func shards() throws {
        for (count, parts) in [(10, 3), (7, 8), (8, 8), (1, 1)] {
            let places = try (1...parts).flatMap { Array(try Shard("\($0)/\(parts)").indices(of: count)) }
            #expect(places.sorted() == Array(0..<count))
        }
        for text in ["9/8", "0/8", "x", "1/", "/2", "1/2/3", "-1/2", "1/0", "1.0/2", "+1/2", ""] {
            #expect(throws: DistillationError.self, "\(text)") { try Shard(text) }
        }
    }

    // MARK: - Whole runs

    private func run(
        _ name: String, _ change: (inout DistillRequest) -> Void = { _ in }
    ) throws -> (weights: Data, notes: [String], warnings: [String]) {
        var request = DistillRequest(
            teacher: fixtures.appending(path: "tiny-teacher"),
            data: DataRequest(train: fixtures.appending(path: "reviews.csv")),
            output: scratch.appending(path: name))
        request.student.layers = 2
        request.student.hiddenSize = 32
        request.training.numTrainEpochs = 1
        request.precision = .float32
        request.cache.directory = root
        change(&request)
        var (notes, warnings) = ([String](), [String]())
        _ = try DistillationRun(request).run(onEvent: {
            if case .note(let text) = $0 { notes.append(text) }
            if case .warning(let text) = $0 { warnings.append(text) }
        })
        let weights = try Data(contentsOf: request.output.appending(path: "model.safetensors"))
        return (weights, notes, warnings)
    }

    @Test("a run with a cache, a second one, and one without give the same student, bit for bit")
    func sameStudent() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let cold = try run("cold")
        let note = try #require(cold.notes.first { $0.contains("came from the cache") })
        #expect(!note.hasPrefix("120 of ") && !note.hasSuffix(" 0 were computed."), "\(note)")
        let warm = try run("warm") { $0.training.perDeviceEvalBatchSize = 64 }
        #expect(
            warm.notes.contains {
                $0.contains(
                    "120 of the teacher's 120 outputs came from the cache or from equal texts, 0 were computed"
                )
            }, "\(warm.notes)")
        let without = try run("without") {
            $0.cache.teacherOutputs = false
            $0.cache.data = false
        }
        #expect(!without.notes.contains { $0.contains("cache") })
        #expect(cold.weights == warm.weights && cold.weights == without.weights)
        // Another split of the same data finds all of it.
        let split = try run("split") {
            $0.training.seed = 5
            $0.data.validationSplit = 0.3
        }
        #expect(split.notes.contains { $0.contains("120 of the teacher's 120 outputs") })
    }

    @Test("a cache that cannot be written is a warning, and the run goes on to the same student")
    func unwritable() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let file = scratch.appending(path: "file")
        try Data().write(to: file)
        let blocked = try run("blocked") { $0.cache.directory = file.appending(path: "below") }
        #expect(blocked.warnings.contains { $0.contains("--no-teacher-cache") }, "\(blocked.warnings)")
        #expect(blocked.warnings.count { $0.contains("--no-teacher-cache") } <= 2)
        #expect(try run("usual").weights == blocked.weights)
    }

    @Test("label fills the cache for runs to come, shard by shard")
    func labelRun() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var computed = 0
        for number in 1...3 {
            var request = LabelRequest(
                teacher: fixtures.appending(path: "tiny-teacher"),
                data: fixtures.appending(path: "reviews.csv"))
            request.precision = .float32
            request.cache.directory = root
            request.shard = try Shard("\(number)/3")
            let report = try LabelRun(request).run()
            #expect(report.examples == 40 && !report.interrupted)
            computed += try #require(report.computed)
            #expect(try LabelRun(request).run().computed == 0)
        }
        #expect(computed > 100)
        let run = try run("student")
        #expect(run.notes.contains { $0.contains("120 of the teacher's 120 outputs") }, "\(run.notes)")
    }
}
