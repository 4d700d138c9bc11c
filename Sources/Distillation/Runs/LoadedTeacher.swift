/// A teacher and the run's examples as it reads them.
struct LoadedTeacher {
    let request: TeacherRequest
    let classifier: LoadedModel
    let data: RunData
    /// For each of the first teacher's classes, its index in this one's outputs; `nil` where the order is the same.
    let columns: [Int]?
    /// The tokens of a language model whose student has fewer; `nil` for others.
    var vocabulary: TeacherVocabulary?
    /// The spans of the training texts, of a language model whose student has another tokenizer; `nil` for others.
    var spans: TeacherSpans?
}
