import Foundation
import Synchronization
import Torch

@testable import Distillation

/// Several processes of a run as threads of this one: they reach one another through the loopback, as processes do.
enum Together {
    private struct Box<Value>: @unchecked Sendable {
        var value: Value
    }

    /// Runs a body as each of some processes.
    ///
    /// - Returns: What each returned, or the error that it threw.
    static func results<Result>(
        _ count: Int, timeout: Double = 60, _ body: @escaping @Sendable (Processes) throws -> Result
    ) throws -> [Swift.Result<Result, any Error>] {
        let server = try ProcessStore(host: "127.0.0.1", port: 0, isServer: true, timeout: 30)
        let port = server.port
        let results = Mutex(Box(value: [Int: Swift.Result<Result, any Error>]()))
        let group = DispatchGroup()
        for rank in 0..<count {
            group.enter()
            let thread = Thread {
                let result = Swift.Result<Result, any Error> {
                    let processes = try Processes(
                        ProcessEnvironment(
                            rank: rank, worldSize: count, localRank: rank, localWorldSize: count,
                            masterAddress: "127.0.0.1", masterPort: port, hasAgentStore: true),
                        timeout: timeout, startTimeout: 30)
                    do {
                        let value = try body(processes)
                        try processes.leave()
                        return value
                    } catch {
                        processes.fail("\(error)")
                        throw error
                    }
                }
                let box = Box(value: result)
                results.withLock { $0.value[rank] = box.value }
                group.leave()
            }
            thread.stackSize = 16 << 20
            thread.start()
        }
        group.wait()
        return try withExtendedLifetime(server) {
            let all = results.withLock { Box(value: $0.value) }.value
            return try (0..<count).map { rank in
                guard let result = all[rank] else { throw DistillationError("no result of \(rank)") }
                return result
            }
        }
    }

    /// The same where none may throw.
    static func run<Result>(
        _ count: Int, _ body: @escaping @Sendable (Processes) throws -> Result
    ) throws -> [Result] {
        try results(count, body).map { try $0.get() }
    }
}
