import Foundation
import Torch

/// The processes that make a run together: every one reads the same settings and files, computes its part of each batch, and
/// holds the same weights. Process 0 writes.
public final class Processes: @unchecked Sendable {
    public let environment: ProcessEnvironment
    /// The group in which they compute.
    let group: ProcessGroup
    let store: ProcessStore
    let watch: ProcessWatch
    private var places = 0

    /// The seconds after which a process is given up that has not come to where the others wait.
    public static let defaultTimeout = 1800.0
    /// The seconds in which all processes must have started.
    public static let defaultStartTimeout = 300.0
    /// The seconds without a sign of life after which a process is held for dead.
    public static let defaultSilence = 60.0

    public var rank: Int { environment.rank }
    public var size: Int { environment.worldSize }
    /// True in the process that writes and reports.
    public var isFirst: Bool { rank == 0 }

    /// Joins the other processes.
    ///
    /// - Parameters:
    ///   - environment: This process's place.
    ///   - timeout: In seconds; a process that has not come by then to where the others wait is given up.
    ///   - startTimeout: In seconds; all others must have started by then.
    ///   - silence: The seconds without a sign of life after which a process is held for dead.
    ///   - onWait: Called with a line where the others let this process wait.
    ///   - onLoss: Called, on another thread, with a line that names a process that died or hangs. The run cannot go on: it is
    ///     for the caller to end the process, whose main thread may wait for the lost one.
    /// - Throws: ``ProcessLossError`` that names those that did not come.
    public init(
        _ environment: ProcessEnvironment, timeout: Double = defaultTimeout,
        startTimeout: Double = defaultStartTimeout, silence: Double = defaultSilence,
        onWait: (String) -> Void = { _ in }, onLoss: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        self.environment = environment
        let end = Date(timeIntervalSinceNow: startTimeout)
        func open() throws -> ProcessStore {
            do {
                if environment.rank > 0, !environment.hasAgentStore {
                    try Reachability.wait(
                        for: environment.masterAddress, port: environment.masterPort, until: end,
                        onWait: onWait)
                }
                return try ProcessStore(
                    host: environment.masterAddress, port: environment.masterPort,
                    isServer: environment.rank == 0 && !environment.hasAgentStore,
                    prefix: "distill/\(environment.restart)", timeout: min(startTimeout, 60))
            } catch {
                throw ProcessLossError(
                    "process \(environment.rank) of \(environment.worldSize) cannot reach "
                        + "\(environment.masterAddress):\(environment.masterPort) (MASTER_ADDR, MASTER_PORT): \(error)"
                )
            }
        }
        store = try open()
        try Self.meet(store, environment, startTimeout, onWait)
        do {
            group = try ProcessGroup(
                store, host: environment.masterAddress, rank: environment.rank, size: environment.worldSize,
                timeout: timeout)
        } catch {
            throw ProcessLossError(
                "process \(environment.rank) of \(environment.worldSize) cannot connect to the others: \(error); where a "
                    + "machine has several networks, name the one that reaches the others with GLOO_SOCKET_IFNAME"
            )
        }
        watch = ProcessWatch(environment, store, silence: silence, onLoss: onLoss)
        group.explain = { [watch] error in watch.explain(error) }
        try group.barrier()
        watch.start()
    }

    /// Waits until all processes have said where they are.
    private static func meet(
        _ store: ProcessStore, _ environment: ProcessEnvironment, _ timeout: Double,
        _ onWait: (String) -> Void
    ) throws {
        try store.set(ProcessWatch.placeKey(environment.rank), ProcessWatch.place)
        var missing = Array(0..<environment.worldSize)
        func names() -> String {
            (missing.count == 1 ? "process " : "processes ")
                + missing.prefix(8).map(String.init).joined(separator: ", ") + " of \(environment.worldSize)"
        }
        func haveCome() throws -> Bool {
            missing = try missing.filter { try store.value(ProcessWatch.placeKey($0)) == nil }
            return missing.isEmpty
        }
        let areInTime = try Reachability.repeatedly(
            every: 0.05, until: Date(timeIntervalSinceNow: timeout), isSo: haveCome,
            onWait: { onWait("Waiting for \(names()), for at most \(Int(timeout)) seconds.") })
        guard !areInTime else { return }
        throw ProcessLossError("\(names()) did not start within \(Int(timeout)) seconds")
    }

    /// Says to the others why this process ends, so that they can name it.
    public func fail(_ message: String) { watch.fail(message) }

    /// Ends the watch over the others, once all have come here.
    public func leave() throws {
        try group.barrier()
        watch.stop()
    }

    // MARK: - What processes tell one another

    /// The values of all processes, in their order.
    func gather<Value: Codable>(_ own: Value) throws -> [Value] {
        let bytes = try CheckpointRecord.encoder.encode([own])
        return try group.gather(Array(bytes), filler: 0).map {
            try CheckpointRecord.decoder.decode([Value].self, from: Data($0))[0]
        }
    }

    /// The value of process 0, in all processes.
    ///
    /// - Parameter value: Made in process 0 alone.
    package func fromFirst<Value: Codable>(_ value: () throws -> Value) throws -> Value {
        let bytes = isFirst ? Array(try CheckpointRecord.encoder.encode([try value()])) : []
        let all = try group.gather(bytes, filler: 0)
        return try CheckpointRecord.decoder.decode([Value].self, from: Data(all[0]))[0]
    }

    /// The value of process 0, in all processes, however long it takes to make: the others wait as long as it lives.
    func fromFirstAtLast<Value: Codable>(_ value: () throws -> Value) throws -> Value {
        let key = nextKey()
        if isFirst {
            let made = try value()
            try set(key, String(decoding: try CheckpointRecord.encoder.encode([made]), as: UTF8.self))
            return made
        }
        return try CheckpointRecord.decoder.decode([Value].self, from: Data(try waited(for: key).utf8))[0]
    }

    /// Runs a body in one process of each machine first, and then in the others, which find in the cache what it has made.
    func firstOfMachineFirst<Result>(_ body: () throws -> Result) throws -> Result {
        let key = nextKey()
        if environment.localRank == 0 {
            let result = try body()
            try set("\(key)/\(rank)", "1")
            return result
        }
        // Processes of a machine are numbered one after another.
        _ = try waited(for: "\(key)/\(rank - environment.localRank)")
        return try body()
    }

    /// All processes come by the same places in the same order.
    private func nextKey() -> String {
        places += 1
        return "at/\(places)"
    }

    func set(_ key: String, _ value: String) throws {
        do { try store.set(key, value) } catch { throw watch.explain(error) }
    }

    func waited(for key: String) throws -> String {
        while true {
            do {
                if let value = try store.value(key) { return value }
                if let failure = watch.failure { throw ProcessLossError(failure) }
            } catch { throw watch.explain(error) }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }
}

extension Processes? {
    /// True in the process that writes and reports.
    var isFirst: Bool { self?.isFirst ?? true }

    package func fromFirst<Value: Codable>(_ value: () throws -> Value) throws -> Value {
        try self?.fromFirst(value) ?? value()
    }

    func fromFirstAtLast<Value: Codable>(_ value: () throws -> Value) throws -> Value {
        try self?.fromFirstAtLast(value) ?? value()
    }

    func firstOfMachineFirst<Result>(_ body: () throws -> Result) throws -> Result {
        try self?.firstOfMachineFirst(body) ?? body()
    }
}

/// A process of the group died, hangs, or did not come.
public struct ProcessLossError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
