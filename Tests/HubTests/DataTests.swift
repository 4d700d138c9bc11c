import Files
import Foundation
import NIOHTTP1
import Testing

@testable import Hub
@testable import HubStore

/// Data by `hf://` from a Hub on loopback sockets.
@Suite struct DataTests {
    private func reference(_ rest: String = "") throws -> HubDataReference {
        try HubDataReference("hf://datasets/org/tiny\(rest)")
    }

    private func read(_ files: [URL]) throws -> [[UInt8]] {
        try files.map { [UInt8](try Data(contentsOf: $0)) }
    }

    @Test func aSplitIsFetchedAndNothingElse() async throws {
        let scene = try await Scene(.data)
        let files = try await scene.client.data(of: reference(), split: .train)
        let names = ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]
        #expect(try read(files) == names.map { scene.repository.files[$0] })
        #expect(
            files.map(\.path).allSatisfy {
                $0.contains("/datasets--org--tiny/snapshots/\(scene.repository.commit)/")
            })
        let gets = scene.server.requests.filter { $0.method == .GET }.map(\.path)
        #expect(gets.count == 3 && gets[0].hasPrefix("/api/datasets/org/tiny/revision/main"))
        #expect(gets[1...].allSatisfy { $0.hasPrefix("/datasets/org/tiny/resolve/") && $0.contains("train") })
        try await scene.end()
    }

    @Test func itIsThereWithoutANetwork() async throws {
        var scene = try await Scene(.data)
        let first = try await scene.client.data(of: reference(), split: .validation)
        let before = scene.server.requests.count
        scene.configuration.isOffline = true
        #expect(try await scene.client.data(of: reference(), split: .validation) == first)
        #expect(try await scene.client.data(of: reference("/data"), split: .validation) == first)
        // What was never fetched is said to be missing, not to be nothing.
        await #expect(
            throws: HubError.incomplete(id: "org/tiny", revision: "main", missing: ["the train data"])
        ) {
            try await scene.client.data(of: reference(), split: .train)
        }
        await #expect(throws: HubError.offline(id: "org/tiny", revision: "v2")) {
            try await scene.client.data(of: reference("@v2"), split: .train)
        }
        #expect(scene.server.requests.count == before)
        // A Hub that is out of order is as good as none, with a warning.
        scene.configuration.isOffline = false
        scene.server.answer { _, _ in .init(status: .serviceUnavailable) }
        #expect(try await scene.client.data(of: reference(), split: .validation) == first)
        try await scene.end()
    }

    @Test func halfOfTheShardsIsNotTheSplit() async throws {
        var scene = try await Scene(.data)
        _ = try await scene.client.data(of: reference("/data/train-00000-of-00002.parquet"), split: .train)
        scene.configuration.isOffline = true
        await #expect(
            throws: HubError.incomplete(id: "org/tiny", revision: "main", missing: ["the train data"])
        ) {
            try await scene.client.data(of: reference(), split: .train)
        }
        try await scene.end()
    }

    @Test func filesPatternsAndOddNames() async throws {
        let scene = try await Scene(.data)
        let one = try await scene.client.data(of: reference("/extra/one two.csv"), split: .train)
        #expect(try read(one) == [scene.repository.files["extra/one two.csv"]])
        #expect(scene.server.requests.contains { $0.path.hasSuffix("/extra/one%20two.csv") })
        let some = try await scene.client.data(of: reference("/data/*-00000-of-*.parquet"), split: .test)
        #expect(
            some.map(\.lastPathComponent) == [
                "train-00000-of-00002.parquet", "validation-00000-of-00001.parquet",
            ])
        let commit = try await scene.client.data(
            of: reference("@\(scene.repository.commit)/extra"), split: .test)
        #expect(commit == one)
        try await scene.end()
    }

    @Test func whatDoesNotFitIsListed() async throws {
        let scene = try await Scene(.data)
        let error = await #expect(throws: HubError.self) {
            try await scene.client.data(of: reference(), split: .test)
        }
        #expect(
            error?.description
                == "hf://datasets/org/tiny: no data file is named for test; name one, or a folder: there are "
                + "data/train-00000-of-00002.parquet, data/train-00001-of-00002.parquet, "
                + "data/validation-00000-of-00001.parquet, extra/one two.csv")
        #expect(!scene.server.requests.contains { $0.path.contains("/resolve/") })
        try await scene.end()
    }

    @Test func gatedDataNameTheirOwnPage() async throws {
        let scene = try await Scene(.data)
        scene.server.answer { _, _ in .init(status: .forbidden, headers: [("X-Error-Code", "GatedRepo")]) }
        let page = "\(scene.configuration.endpoint)/datasets/org/tiny"
        await #expect(throws: HubError.gated(id: "org/tiny", page: page)) {
            try await scene.client.data(of: reference(), split: .train)
        }
        try await scene.end()
    }

    @Test func aWholeRepositoryOfData() async throws {
        let scene = try await Scene(.data)
        let directory = try await scene.client.snapshot(of: scene.hub(), files: .data())
        let names = try #require(FileManager.default.enumerator(atPath: directory.path)).compactMap {
            $0 as? String
        }
        #expect(
            Set(names).subtracting(["data", "extra"])
                == Set(scene.repository.files.keys.filter(DataName.isData)))
        try await scene.end()
    }

    /// From a thread of its own: a task must not be blocked.
    @Test func waitingWorksOutsideTasks() async throws {
        let (models, data) = (try await Scene(), try await Scene(.data))
        func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
            try await withCheckedThrowingContinuation { continuation in
                Thread { continuation.resume(with: Result { try body() }) }.start()
            }
        }
        let (hub, client) = (try models.hub(), models.client)
        let directory = try await onThread { try client.waitForSnapshot(of: hub) }
        #expect(FileManager.default.fileExists(atPath: directory.appending(path: "config.json").path))
        let (own, wanted) = (data.client, try reference())
        let files = try await onThread { try own.waitForData(of: wanted, split: .train) }
        #expect(files.count == 2)
        let error = await #expect(throws: HubError.self) {
            try await onThread { try own.waitForData(of: wanted, split: .test) }
        }
        #expect(error?.description.contains("no data file is named for test") == true)
        try await models.end()
        try await data.end()
    }
}
