/// Limits on the time and memory that the stages before the model may use for one text, so that neither a file nor a
/// text can make them work longer, or fill more memory, than the text's size justifies.
public final class TextBudget {
    /// The text's bytes, before any stage.
    public let bytes: Int
    /// The seconds of processor time that regular expressions have taken for this text; their engine counts and limits
    /// them.
    public var searchSeconds = 0.0
    /// The bytes that the text may come to have.
    private let limit: Int

    /// A thousand times as long as the text, but a megabyte for any text, and a gigabyte at most.
    init(bytes: Int) {
        self.bytes = bytes
        let (grown, overflow) = bytes.multipliedReportingOverflow(by: 1000)
        limit = max(min(max(overflow ? .max : grown, 1 << 20), 1 << 30), bytes)
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
}
