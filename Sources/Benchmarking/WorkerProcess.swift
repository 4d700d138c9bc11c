import Distillation
import Files
import Foundation

/// A worker's process, seen from the benchmark: asks, and waits for the answer.
final class WorkerProcess {
    /// The model's name, for messages.
    let name: String
    /// The last answer's peak memory, in bytes.
    private(set) var peakMemory = 0
    /// The fraction of the time between requests in which it used a processor.
    var idleShare: Double { idleSeconds > 0 ? idleProcessorSeconds / idleSeconds : 0 }
    private let process: ChildProcess
    private let folder: TemporaryFolder
    private var errors: URL { folder.url.appending(path: "errors") }
    private var idleSeconds = 0.0
    private var idleProcessorSeconds = 0.0
    private var last: (answered: ContinuousClock.Instant, cpu: Double)?

    /// The time in seconds that a worker may take to end after its input has ended.
    private static let patience = 5.0

    /// Starts a worker.
    ///
    /// Writing to a worker that has ended must be an error and not the end of this process, so `SIGPIPE` is ignored from
    /// here on.
    ///
    /// - Throws: `DistillationError` where the program cannot be started.
    init(name: String, command: BenchmarkRequest.Command, environment: [String: String]) throws {
        self.name = name
        signal(SIGPIPE, SIG_IGN)
        folder = try TemporaryFolder()
        do {
            process = try ChildProcess(
                command.executable, command.arguments, environment: environment, input: .pipe, output: .pipe,
                errors: .file(folder.url.appending(path: "errors")))
        } catch {
            throw DistillationError(
                "\(error)".replacing("cannot be started:", with: "cannot be started to measure \(name):"))
        }
    }

    deinit { close() }

    /// Asks for something and waits until it is done.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - purpose: The purpose, for a message such as "the worker ended while …".
    /// - Throws: `DistillationError` where the worker refuses, dies or answers with something else.
    func ask(_ request: WorkerRequest, _ purpose: String) throws -> WorkerAnswer {
        let line = try JSONText.encode(request, pretty: false) + "\n"
        let asked = ContinuousClock.now
        // Where it has died, the missing answer says so.
        try? process.write(line)
        guard let text = process.readLine() else {
            let how = process.wait().description
            throw DistillationError("\(name): its worker ended (\(how)) while \(purpose)\(complaint)")
        }
        guard let answer = try? JSONText.decode(WorkerAnswer.self, from: text) else {
            throw DistillationError(
                "\(name): its worker answered '\(text.prefix(80))' while \(purpose), which is not an answer; "
                    + "nothing else may write to its standard output")
        }
        if let error = answer.error { throw DistillationError(error) }
        peakMemory = max(peakMemory, answer.peakMemory ?? 0)
        if let last, let before = answer.cpuBefore {
            idleSeconds += (asked - last.answered) / .seconds(1)
            idleProcessorSeconds += max(0, before - last.cpu)
        }
        last = answer.cpuAfter.map { (ContinuousClock.now, $0) }
        return answer
    }

    /// Ends the worker.
    func close() {
        process.closeInput()
        let deadline = ContinuousClock.now + .seconds(Self.patience)
        while process.ended == nil, ContinuousClock.now < deadline { usleep(2000) }
        if process.ended == nil { kill(process.identifier, SIGKILL) }
        _ = process.wait()
    }

    /// The last of what it wrote to standard error.
    private var complaint: String {
        let text = (try? ChildProcess.text(errors)) ?? ""
        let lines = text.split(whereSeparator: \.isNewline).suffix(3).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        return lines.isEmpty ? "" : ": " + lines.joined(separator: " | ")
    }
}
