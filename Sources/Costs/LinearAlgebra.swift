import CGSL

/// What is taken from GSL: Householder QR, singular values, Student's t.
///
/// GSL's element accessors cost more than the arithmetic, so everything goes through views of
/// Swift arrays, and every status is checked: by default GSL would abort the process.
enum LinearAlgebra {
  /// Evaluated once: GSL reports by status from then on.
  private static let quiet: Void = { _ = gsl_set_error_handler_off() }()

  private static func check(_ function: String, _ status: Int32) throws(CostsError) {
    guard status == 0 else { throw .library(function: function, status: status) }
  }

  /// Σ first × second; what the longer of the two has besides counts for nothing.
  static func product(_ first: [Double], _ second: [Double]) -> Double {
    zip(first, second).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The least-squares solution of a full-rank system by Householder QR.
  ///
  /// - Returns: the solution, and the smallest |R_jj| relative to its column's length: how far the
  ///   columns are from being linearly dependent; nil where there are more columns than rows.
  static func leastSquares(_ matrix: Matrix, _ target: [Double]) throws(CostsError)
    -> (solution: [Double], independence: Double)?
  {
    _ = quiet
    let rows = matrix.rows
    let columns = matrix.columns
    guard columns > 0, rows >= columns else { return nil }
    let norms = matrix.columnNorms
    var factors = matrix.elements
    var right = target
    var scalars = [Double](repeating: 0, count: columns)
    var solution = [Double](repeating: 0, count: columns)
    var residual = [Double](repeating: 0, count: rows)
    var status: Int32 = 0
    var function = "gsl_linalg_QR_decomp"
    factors.withUnsafeMutableBufferPointer { factors in
      right.withUnsafeMutableBufferPointer { right in
        scalars.withUnsafeMutableBufferPointer { scalars in
          solution.withUnsafeMutableBufferPointer { solution in
            residual.withUnsafeMutableBufferPointer { residual in
              var a = gsl_matrix_view_array(factors.baseAddress, rows, columns)
              var b = gsl_vector_view_array(right.baseAddress, rows)
              var t = gsl_vector_view_array(scalars.baseAddress, columns)
              var x = gsl_vector_view_array(solution.baseAddress, columns)
              var e = gsl_vector_view_array(residual.baseAddress, rows)
              status = gsl_linalg_QR_decomp(&a.matrix, &t.vector)
              guard status == 0 else { return }
              function = "gsl_linalg_QR_lssolve"
              status = gsl_linalg_QR_lssolve(
                &a.matrix, &t.vector, &b.vector, &x.vector, &e.vector)
            }
          }
        }
      }
    }
    var independence = Double.infinity
    for column in 0..<columns {
      let diagonal = factors[column * columns + column].magnitude
      independence = min(independence, norms[column] > 0 ? diagonal / norms[column] : 0)
    }
    // A singular triangle is reported as a domain error by the back substitution.
    if independence == 0 || !independence.isFinite { return (solution, 0) }
    try check(function, status)
    return (solution, independence)
  }

  /// Singular values, falling, and the right singular vectors as the columns of `vectors`.
  ///
  /// One-sided Jacobi: accurate for the small singular values, which are the ones that matter.
  static func singularValues(_ matrix: Matrix) throws(CostsError)
    -> (values: [Double], vectors: Matrix)
  {
    _ = quiet
    let columns = matrix.columns
    guard columns > 0 else { return ([], Matrix(rows: 0, columns: 0)) }
    // GSL wants at least as many rows as columns: rows of zeros change nothing.
    let rows = max(matrix.rows, columns)
    var left = matrix.elements
    left.append(contentsOf: repeatElement(0, count: (rows - matrix.rows) * columns))
    var right = [Double](repeating: 0, count: columns * columns)
    var values = [Double](repeating: 0, count: columns)
    var status: Int32 = 0
    left.withUnsafeMutableBufferPointer { left in
      right.withUnsafeMutableBufferPointer { right in
        values.withUnsafeMutableBufferPointer { values in
          var a = gsl_matrix_view_array(left.baseAddress, rows, columns)
          var v = gsl_matrix_view_array(right.baseAddress, columns, columns)
          var s = gsl_vector_view_array(values.baseAddress, columns)
          status = gsl_linalg_SV_decomp_jacobi(&a.matrix, &v.matrix, &s.vector)
        }
      }
    }
    try check("gsl_linalg_SV_decomp_jacobi", status)
    return (values, Matrix(rows: columns, columns: columns, elements: right))
  }

  /// The quantile of Student's t distribution; the normal's for very many degrees of freedom.
  static func studentQuantile(_ probability: Double, degreesOfFreedom: Double) -> Double {
    _ = quiet
    return gsl_cdf_tdist_Pinv(probability, max(degreesOfFreedom, 1))
  }
}
