/// The shape of a data set's records, as TRL knows them.
public enum RecordShape: String, CaseIterable, Sendable {
    /// `messages`: a conversation, of which the assistant's turns are trained.
    case messages
    /// `prompt` and `completion`: two texts, or two lists of messages, of which the second is trained.
    case promptCompletion = "prompt and completion"
    /// `text`: a document, all of which is trained.
    case text
}
