/// A teacher and the run's examples as it reads them.
struct TeacherSource {
    let request: TeacherRequest
    let classifier: TrainedClassifier
    let data: RunData
    /// For each of the first teacher's classes, its index in this one's outputs; `nil` where the order is the same.
    let columns: [Int]?
}
