import Foundation
import Synchronization
import Torch

/// A thread that gives signs of life to the other processes of a run and looks for theirs.
///
/// Each process counts up a key in the store. Process 0 looks at all of them, and every process at process 0's: one that does not
/// count for some time is dead or stopped, and the store then says so to all, by its name.
final class ProcessWatch: Sendable {
    private let environment: ProcessEnvironment
    private let store: ProcessStore
    private let silence: Double
    private let onLoss: @Sendable (String) -> Void
    private let state = Mutex(State())
    /// Signalled to end the thread, and by the thread at its end.
    private let (wake, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))

    private struct State {
        var failure: String?
        var isRunning = false
        var isStopped = false
        var isSaid = false
    }

    /// The seconds between two signs of life.
    private static let interval = 1.0
    private static let failureKey = "failure"

    init(
        _ environment: ProcessEnvironment, _ store: ProcessStore, silence: Double,
        onLoss: @escaping @Sendable (String) -> Void
    ) {
        self.environment = environment
        self.store = store
        self.silence = silence
        self.onLoss = onLoss
    }

    static func placeKey(_ rank: Int) -> String { "place/\(rank)" }
    private static func lifeKey(_ rank: Int) -> String { "life/\(rank)" }

    /// This process's machine and number there, for messages.
    static var place: String {
        // Without asking a name server, as Foundation's does.
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let bytes = name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        return
            "\(String(decoding: bytes, as: UTF8.self)), process id \(ProcessInfo.processInfo.processIdentifier)"
    }

    /// Begins to watch.
    func start() {
        state.withLock { $0.isRunning = true }
        let thread = Thread { [self] in
            run()
            ended.signal()
        }
        thread.name = "distill.processes"
        thread.start()
    }

    /// What is known of the end of another process.
    var failure: String? { state.withLock(\.failure) }

    /// Ends the watch, which asks the store no more.
    func stop() {
        let wasRunning = state.withLock { state in
            defer { (state.isRunning, state.isStopped) = (false, true) }
            return state.isRunning
        }
        guard wasRunning else { return }
        wake.signal()
        _ = ended.wait(timeout: .now() + 5)
    }

    /// Says to the others why this process ends, and waits shortly until they can know.
    func fail(_ message: String) {
        defer { stop() }
        let isNews = state.withLock { state in
            defer { state.isSaid = true }
            return !state.isSaid && state.failure == nil && !state.isStopped
        }
        guard isNews else { return }
        if (try? store.value(Self.failureKey)) ?? nil == nil {
            try? store.set(
                Self.failureKey, "process \(environment.rank) of \(environment.worldSize) ended: \(message)")
        }
        // Where this process holds the store, the others read it first.
        if environment.rank == 0, !environment.hasAgentStore { Thread.sleep(forTimeInterval: 3) }
    }

    /// Rewords an operation's error by what is known of the other processes.
    func explain(_ error: any Error) -> any Error {
        // Others are this process's own.
        guard let torch = error as? TorchError, torch.kind == .communication else { return error }
        let text = torch.description.lowercased()
        let isLate = text.contains("timed out") || text.contains("timeout")
        // The other's own words may come a moment later than the end of its connection.
        for _ in 0..<20 {
            if let known = state.withLock(\.failure) { return ProcessLossError(known) }
            if let known = try? store.value(Self.failureKey) {
                state.withLock { $0.failure = known }
                return ProcessLossError(known)
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
        let own = "process \(environment.rank) of \(environment.worldSize)"
        guard !isLate else {
            return ProcessLossError(
                "\(own) waited for another, which lives and did not come: it hangs, or its work takes longer than --ddp-timeout"
            )
        }
        // What Gloo says of the connection, without its advice.
        let reason = torch.description.components(separatedBy: ". This is typically")[0]
        return ProcessLossError(
            "\(own) lost the connection to another, which was killed or lost its network: \(reason)")
    }

    /// Counts, and looks at the others.
    private func run() {
        var count = 0
        var last: [Int: (value: String, seen: Date)] = [:]
        let watched = environment.rank == 0 ? Array(1..<environment.worldSize) : [0]
        while !state.withLock(\.isStopped) {
            count += 1
            do {
                try store.set(Self.lifeKey(environment.rank), String(count))
                if let known = try store.value(Self.failureKey) { return lost(known) }
                for rank in watched {
                    let value = try store.value(Self.lifeKey(rank)) ?? ""
                    if last[rank]?.value != value { last[rank] = (value, Date()) }
                    let age = -(last[rank]?.seen.timeIntervalSinceNow ?? 0)
                    guard age > silence else { continue }
                    let place = (try? store.value(Self.placeKey(rank))) ?? nil ?? "unknown"
                    let text =
                        "process \(rank) of \(environment.worldSize) (\(place)) has given no sign of life for \(Int(age)) "
                        + "seconds: it was stopped, or its machine is gone"
                    try? store.set(Self.failureKey, text)
                    return lost(text)
                }
            } catch {
                return lost(
                    "the store at \(environment.masterAddress):\(environment.masterPort) is gone: process 0, or what started "
                        + "it, has ended")
            }
            _ = wake.wait(timeout: .now() + Self.interval)
        }
    }

    private func lost(_ text: String) {
        let isNews = state.withLock { state in
            defer { state.failure = state.failure ?? text }
            return state.failure == nil && !state.isStopped && !state.isSaid
        }
        guard isNews else { return }
        // The main thread may know by itself, and ends in order then.
        Thread.sleep(forTimeInterval: 2)
        guard !state.withLock(\.isStopped) else { return }
        onLoss(text)
    }
}
