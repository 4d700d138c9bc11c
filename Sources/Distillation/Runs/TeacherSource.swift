/// A teacher and the run's examples as it reads them.
struct TeacherSource {
    let request: TeacherRequest
    let classifier: TrainedClassifier
    let data: RunData
    /// For each of the first teacher's classes, its place in this one's outputs; `nil` where they are the same.
    let columns: [Int]?
}
