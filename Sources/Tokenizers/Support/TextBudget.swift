import Foundation

/// Limits on the time and memory that the stages before the model may use for one text, so that neither a file nor a
/// text can make them work longer, or fill more memory, than the text's size justifies.
final class TextBudget {
    /// The text's bytes, before any stage.
    private let bytes: Int
    /// The seconds of processor time that regular expressions may still take. The time of this thread is counted, which
    /// does not depend on what else the machine does.
    private var seconds: Double
    /// The bytes that the text may come to have.
    private let limit: Int

    /// A thousand times as long as the text, but a megabyte for any text, and a gigabyte at most.
    init(bytes: Int) {
        self.bytes = bytes
        let (grown, overflow) = bytes.multipliedReportingOverflow(by: 1000)
        limit = max(min(max(overflow ? .max : grown, 1 << 20), 1 << 30), bytes)
        // A thousand times what usual expressions take.
        seconds = 1 + Double(bytes) * 1e-5
    }

    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` where a stage makes the text too long.
    func check(size: Int, stage: @autoclosure () -> String) throws {
        guard size > limit else { return }
        throw TokenizerError.text(
            stage: stage(),
            reason:
                "makes a text of \(bytes) bytes longer than \(limit) bytes; no stage may grow texts without limit, "
                + "so correct the file or use the tokenizer that belongs to the model", index: nil)
    }

    /// Runs a search of a regular expression that asks `mayGoOn` from time to time.
    ///
    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` where it was told to stop.
    func search(stage: String, pattern: String, _ body: (_ mayGoOn: @escaping () -> Bool) -> Void) throws {
        let (start, seconds) = (Self.threadTime, seconds)
        var calls = 0
        var isOver = seconds <= 0
        body {
            calls &+= 1
            // The clock is asked seldom: most calls are made between matches.
            if calls & 15 == 0, Self.threadTime - start > seconds { isOver = true }
            return !isOver
        }
        self.seconds -= Self.threadTime - start
        guard isOver else { return }
        throw TokenizerError.text(
            stage: stage,
            reason:
                "\(quoted(pattern)) takes too long on a text of \(bytes) bytes, since it tries too many ways to match "
                + "it; write an expression with fewer, or use the tokenizer that belongs to the model",
            index: nil)
    }

    /// The processor time of this thread, in seconds.
    private static var threadTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
