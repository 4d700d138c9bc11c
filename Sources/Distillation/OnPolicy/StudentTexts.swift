/// A text that a student wrote: a prompt of the data, and what the student went on with.
struct StudentText: Sendable, Equatable, Codable {
    /// The tokens of both.
    var ids: [Int32]
    /// How many of them are the prompt's.
    var promptLength: Int
}

/// The texts that a student wrote for some steps; a checkpoint between them keeps them.
struct StudentTexts: Sendable, Equatable, Codable {
    /// The steps of the run that they were written for, counted from 0, those on the data's own texts among them.
    var steps: Range<Int>
    /// The texts of each step that is taken on them.
    var texts: [Int: [StudentText]]
}
