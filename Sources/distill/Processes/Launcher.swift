import Distillation
import Files
import Foundation
import Synchronization
import Torch

/// The start of a command in several processes on this machine, as `torchrun` does it.
///
/// This process trains nothing: it serves the store in which the others find one another, passes signals on to them, and ends all
/// where one ends with an error.
enum Launcher {
    /// The seconds in which processes end by themselves after one of them has failed.
    private static let grace = 10.0

    private static let children = Mutex<[pid_t]>([])

    /// True once SIGTERM was passed on to the processes.
    private static let isTerminated = Atomic(false)

    /// The variable that holds the number of the process which started this one.
    private static let parentVariable = "DISTILL_LAUNCHER"

    /// True in the processes that this started.
    static var isParent: Bool {
        ProcessInfo.processInfo.environment[parentVariable].flatMap { pid_t($0) } == getppid()
    }

    /// Starts this program with its arguments so many times, and ends with their exit code.
    static func run(_ count: Int) throws -> Never {
        let store = try ProcessStore(host: "127.0.0.1", port: 0, isServer: true, timeout: 60)
        for number in [SIGINT, SIGTERM, SIGHUP] { forward(number) }
        var running: [Int: ChildProcess] = [:]
        for rank in 0..<count {
            let place = ProcessEnvironment(
                rank: rank, worldSize: count, localRank: rank, localWorldSize: count,
                masterAddress: "127.0.0.1", masterPort: store.port, hasAgentStore: true)
            do {
                let child = try start(place)
                running[rank] = child
                children.withLock { $0.append(child.identifier) }
            } catch {
                end(running)
                throw error
            }
        }
        exit(wait(for: running, count))
    }

    private static func forward(_ number: Int32) {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            if number == SIGTERM { isTerminated.store(true, ordering: .relaxed) }
            children.withLock { for child in $0 { kill(child, number) } }
        }
        source.resume()
        sources.withLock { $0.append(Source(source)) }
    }

    private struct Source: @unchecked Sendable {
        let source: any DispatchSourceSignal
        init(_ source: any DispatchSourceSignal) { self.source = source }
    }
    private static let sources = Mutex<[Source]>([])

    private static func start(_ place: ProcessEnvironment) throws -> ChildProcess {
        guard let program = Bundle.main.executableURL else {
            throw DistillationError("the program's own file is not found; start the processes with torchrun")
        }
        var environment = ProcessInfo.processInfo.environment
        environment.merge(place.variables) { $1 }
        // What c10d warns of is said by this program where it matters.
        environment["TORCH_CPP_LOG_LEVEL"] = environment["TORCH_CPP_LOG_LEVEL"] ?? "ERROR"
        environment[parentVariable] = String(getpid())
        // A signal to this one's group, such as a terminal's Ctrl-C, reaches them once, through this process.
        return try ChildProcess(
            program, Array(CommandLine.arguments.dropFirst()), environment: environment, input: .inherited,
            output: .inherited, errors: .inherited, ownsGroup: true)
    }

    /// Waits for all processes.
    ///
    /// - Returns: 0 where all have done their work, else the exit code of the first that did not.
    private static func wait(for processes: [Int: ChildProcess], _ count: Int) -> Int32 {
        var running = processes
        var failure: Int32?
        var deadline: Date?
        var isEnded = false
        while !running.isEmpty {
            for (rank, child) in running {
                guard let ending = child.ended else { continue }
                running[rank] = nil
                children.withLock { $0.removeAll { $0 == child.identifier } }
                // What this process had to end says nothing more.
                guard ending != .exit(0), !isEnded else { continue }
                if ending == .signal(SIGTERM), isTerminated.load(ordering: .relaxed) {
                    // It had not begun.
                    if failure == nil || failure == ProcessSession.lossCode {
                        failure = Interrupt.resumableCode
                    }
                } else if case .signal(let number) = ending {
                    Terminal.error(
                        "Error: process \(rank) of \(count) (process id \(child.identifier)) was killed by signal \(number)"
                            + (number == SIGKILL ? ", perhaps because memory was short" : ""))
                }
                // What a process says of the loss of another counts less than what that one says.
                if failure == nil || failure == ProcessSession.lossCode { failure = code(of: ending) }
                deadline = deadline ?? Date(timeIntervalSinceNow: grace)
            }
            if let deadline, Date() > deadline, !isEnded {
                end(running)
                isEnded = true
            }
            usleep(20_000)
        }
        return failure ?? 0
    }

    /// The exit code, or a shell's for the signal that killed it.
    private static func code(of ending: ChildProcess.Ending) -> Int32 {
        switch ending {
        case .exit(let code): code
        case .signal(let number): 128 + number
        }
    }

    private static func end(_ processes: [Int: ChildProcess]) {
        for child in processes.values { kill(child.identifier, SIGKILL) }
    }
}
