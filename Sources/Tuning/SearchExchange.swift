import Distillation
import Foundation
import Synchronization

/// The runs of a search, shared by processes: each takes the next run that none has, and tells the others what it brought.
///
/// A thread listens to the others while this process trains. In process 0 it writes the journal, so that a run is kept as soon
/// as it is done, whoever did it.
final class SearchExchange: Sendable {
    private let processes: Processes
    private let journal: TrialJournal?
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    /// What became of a run.
    enum Outcome: Equatable {
        case record(TrialRecord)
        /// Another fold of its trial failed.
        case skipped
        /// The search is being stopped.
        case interrupted

        init(text: String) throws {
            switch text {
            case "skipped": self = .skipped
            case "interrupted": self = .interrupted
            default: self = .record(try JSONText.decode(TrialRecord.self, from: text))
            }
        }

        func text() throws -> String {
            switch self {
            case .record(let record): try JSONText.encode(record, pretty: false)
            case .skipped: "skipped"
            case .interrupted: "interrupted"
            }
        }
    }

    private struct State {
        /// The round that is listened to, and the runs of it that have not been heard of.
        var round = ""
        var awaited: Set<Int> = []
        /// What was heard and not yet asked for, by the run's number.
        var news: [Int: Outcome] = [:]
        var isStopped = false
        var isEnding = false
        var error: (any Error)?
    }

    private static let stop = "search/stop"
    private static let interval = 0.1

    /// - Parameter journal: In process 0 the journal of finished runs.
    init(_ processes: Processes, journal: TrialJournal?) {
        self.processes = processes
        self.journal = journal
    }

    /// True once one of the processes is to stop.
    var isStopped: Bool { state.withLock(\.isStopped) }

    /// Begins to listen.
    func start() {
        let thread = Thread { [self] in
            while !state.withLock(\.isEnding) {
                listen()
                Thread.sleep(forTimeInterval: Self.interval)
            }
            ended.signal()
        }
        thread.name = "distill.search"
        thread.start()
    }

    /// Ends the thread, where it has not ended.
    func end() {
        let isEnding = state.withLock { state in
            defer { state.isEnding = true }
            return state.isEnding
        }
        if !isEnding { ended.wait() }
    }

    // MARK: - A round

    /// Begins a round of runs, the same in all processes.
    func begin(_ round: String, runs: Int) {
        state.withLock { state in
            (state.round, state.awaited, state.news) = (round, Set(0..<runs), [:])
        }
    }

    /// Takes a run that no process has taken; a number beyond the round's runs where all are.
    func take() throws -> Int { try processes.take(of: state.withLock(\.round)) }

    /// Tells what became of a run that this process has taken.
    func tell(_ run: Int, _ outcome: Outcome) throws {
        let round = state.withLock(\.round)
        try processes.tell("\(round)/\(run)", outcome.text())
        if outcome == .interrupted { try processes.tell(Self.stop, "1") }
    }

    /// What was heard since it was asked for last, in the order of the runs.
    ///
    /// - Throws: The error that kept the thread from writing the journal.
    func news() throws -> [(run: Int, outcome: Outcome)] {
        let (news, error) = state.withLock { state in
            defer { state.news = [:] }
            return (state.news, state.error)
        }
        if let error { throw error }
        return news.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Waits until what became of every run is known and, in process 0, kept.
    ///
    /// - Returns: False where the search is to stop before.
    func finish() throws -> Bool {
        while true {
            let (isDone, isStopped, error) = state.withLock { ($0.awaited.isEmpty, $0.isStopped, $0.error) }
            if let error { throw error }
            if isDone || isStopped { return isDone }
            if let loss = processes.loss { throw loss }
            Thread.sleep(forTimeInterval: Self.interval / 2)
        }
    }

    /// Stops the search in all processes, and waits until none of them has anything left to tell.
    func leave() throws {
        try processes.tell(Self.stop, "1")
        let round = state.withLock(\.round)
        try processes.tell("\(round)/left/\(processes.rank)", "1")
        for rank in 0..<processes.size { _ = try processes.waited(forTold: "\(round)/left/\(rank)") }
        end()
        listen()
    }

    /// Hears what is new.
    private func listen() {
        do {
            if try processes.told(Self.stop) != nil { state.withLock { $0.isStopped = true } }
            let (round, awaited) = state.withLock { ($0.round, $0.awaited.sorted()) }
            for run in awaited {
                guard let text = try processes.told("\(round)/\(run)") else { continue }
                let outcome = try Outcome(text: text)
                let isNew = state.withLock { $0.round == round && $0.awaited.contains(run) }
                guard isNew else { continue }
                if case .record(let record) = outcome { try journal?.append(record) }
                state.withLock { state in
                    state.news[run] = outcome
                    state.awaited.remove(run)
                }
            }
        } catch {
            state.withLock { $0.error = error }
        }
    }
}
