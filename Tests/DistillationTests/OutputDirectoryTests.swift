import Files
import Foundation
import Testing

@testable import Distillation

@Suite("Where a run saves its model")
struct OutputDirectoryTests {
    let scratch: URL
    var output: URL { scratch.appending(path: "out") }

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-out-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func directory(overwrite: Bool = false) throws -> OutputDirectory {
        var cache = CacheOptions()
        cache.directory = scratch.appending(path: "cache")
        return try OutputDirectory(output, overwrite: overwrite, inputs: [], cache: cache)
    }

    private func put(_ text: String) -> (URL) throws -> Void {
        { try Data(text.utf8).write(to: $0.appending(path: "config.json")) }
    }

    private func text(_ directory: URL) throws -> String {
        try String(contentsOf: directory.appending(path: "config.json"), encoding: .utf8)
    }

    @Test("two runs never share one: the second is refused at once")
    func oneOwner() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let first = try directory()
        for overwrite in [false, true] {
            let error = #expect(throws: FileError.self) { try directory(overwrite: overwrite) }
            #expect(error?.description.contains("another run is writing it") == true)
        }
        try first.save(isLast: false, put("1"))
        try first.save(isLast: true, put("2"))
        #expect(try text(output) == "2")
    }

    @Test("what somebody else put there is not replaced, and the model is not lost")
    func foreign() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let own = try directory()
        try own.save(isLast: false, put("mine"))
        try FileManager.default.removeItem(at: output)
        try FileManager.default.createDirectory(at: output, withIntermediateDirectories: false)
        try put("theirs")(output)
        var warnings: [String] = []
        try own.save(isLast: false, warn: { warnings.append($0) }, put("checkpoint"))
        #expect(warnings.count == 1 && warnings[0].contains("training goes on"))
        let error = #expect(throws: SavedElsewhereError.self) { try own.save(isLast: true, put("last")) }
        #expect(try text(output) == "theirs")
        let place = try #require(error?.place)
        #expect(try text(place) == "last")
        #expect(place.path.hasPrefix(scratch.appending(path: "cache/rescued/out-").path))
        #expect(error?.description.contains(place.path(percentEncoded: false)) == true)
    }

    @Test("what was saved elsewhere goes once its place is there again")
    func back() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let own = try directory()
        try Data("in the way".utf8).write(to: output)
        try own.save(isLast: false, put("1"))
        let refuge = try #require(own.refuge)
        #expect(try text(refuge) == "1")
        try FileManager.default.removeItem(at: output)
        try own.save(isLast: true, put("2"))
        #expect(try text(output) == "2")
        #expect(!FileManager.default.fileExists(atPath: refuge.path))
    }

    @Test("an error of the model itself is no reason to look for another place")
    func ownErrors() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let own = try directory()
        var count = 0
        #expect(throws: DistillationError.self) {
            try own.save(isLast: true) { _ in
                count += 1
                throw DistillationError("no")
            }
        }
        #expect(count == 1 && !FileManager.default.fileExists(atPath: output.path))
    }

    @Test("too little room is known beforehand: once for one save, twice where one replaces another")
    func space() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let free = try #require(FreeSpace.bytes(at: output))
        func problem(_ bytes: Int, _ isRepeated: Bool, overwrite: Bool = false) -> String? {
            OutputSpace.problem(at: output, bytes: bytes, isRepeated: isRepeated, overwrite: overwrite)
        }
        #expect(problem(1000, true) == nil)
        #expect(problem(free / 4 * 3, false) == nil)
        #expect(problem(free / 4 * 3, true)?.contains("while a save replaces the one before") == true)
        #expect(problem(free * 2, false)?.contains("free some, or name another --output") == true)
    }

    @Test("a run that has no room does not begin to train, and check says so")
    func noRoom() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        // A disk that is always full.
        let full = URL(filePath: "/proc/distill-out")
        var request = DistillRequest(
            teacher: Support.teacher, data: DataRequest(train: Support.reviews), output: full)
        request.student.layers = 1
        request.cache = Support.cache
        #expect(
            try DistillationRun.check(request).contains {
                $0.severity == .error && $0.message.contains("/proc")
            })
    }
}
