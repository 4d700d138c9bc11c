import Foundation
import Testing

@testable import distill

@Suite("Commands in several processes: how they end", .serialized)
struct ProcessesTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("a process that does not find the others ends with the code of a lost process")
    func alone() throws {
        let result = try Program.run(
            [
                "run", "--teacher", Program.teacher.path, "--train", Program.reviews.path, "--layers", "2",
                "--hidden-size", "32", "--output", scratch.path("out"), "--ddp-timeout", "1",
            ],
            environment: [
                "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
                // Nothing listens at this port.
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1",
            ])
        #expect(result.status == 76, "\(result.errors)")
        #expect(result.errors.contains("127.0.0.1:1 (MASTER_ADDR, MASTER_PORT)"), "\(result.errors)")
        #expect(try scratch.entries == [])
    }

    @Test("a search that SIGTERM ends in all its processes exits with 75, and goes on")
    func search() throws {
        let config = try scratch.write(
            """
            teacher: \(Program.teacher.path)
            train: \(Program.reviews.path)
            layers: 2
            hidden_size: 32
            num_train_epochs: 60
            folds: 2
            refit: false
            search:
              temperature: [1, 2, 3, 4, 5, 6, 7, 8]
            """, to: "tune.yaml")
        let arguments = ["tune", "--config", config, "--output", scratch.path("out")]
        let process = Process()
        process.executableURL = Program.executable
        process.arguments = arguments + ["--processes", "2"]
        let errors = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        Program.startWatchdog(process)
        var seen = ""
        while !seen.contains("[1/16]") {
            let data = errors.fileHandleForReading.availableData
            try #require(!data.isEmpty, "\(seen)")
            seen += String(decoding: data, as: UTF8.self)
        }
        kill(process.processIdentifier, SIGTERM)
        DispatchQueue.global().async { _ = try? errors.fileHandleForReading.readToEnd() }
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 75)

        let again = try Program.run(arguments + ["--json"])
        #expect(again.status == 0, "\(again.errors)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(again.output.utf8)) as? [String: Any])
        #expect(report["runs"] as? Int == 16)
        let kept = try #require(report["runs_from_journal"] as? Int)
        #expect(kept >= 1 && kept < 16)
    }
}
