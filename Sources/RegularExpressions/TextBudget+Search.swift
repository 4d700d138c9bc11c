import Foundation
import Tokenizers

extension TextBudget {
    /// The seconds of processor time that the searches in this text may take: a thousand times what usual expressions
    /// take. The time of a thread is counted, which does not depend on what else the machine does.
    private var limit: Double { 1 + Double(bytes) * 1e-5 }

    /// Runs a search of a regular expression that asks `mayGoOn` from time to time.
    ///
    /// - Throws: `TokenizerError.text` where it was told to stop.
    func search(stage: String, pattern: String, _ body: (_ mayGoOn: @escaping () -> Bool) -> Void) throws {
        let (start, seconds) = (Self.threadTime, limit - searchSeconds)
        var calls = 0
        var isOver = seconds <= 0
        body {
            calls &+= 1
            // The clock is asked seldom: most calls are made between matches.
            if calls & 15 == 0, Self.threadTime - start > seconds { isOver = true }
            return !isOver
        }
        searchSeconds += Self.threadTime - start
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
