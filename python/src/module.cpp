// The extension pypto._core: lang for Python, argument forms and conversions only.
#include <systemc>

#include "lang/session_impl.h"
#include "python/src/values.h"

// SystemC's library has a main() that wants one; nobody calls it here.
__attribute__((visibility("default"))) int sc_main(int, char**) { return 0; }

PYBIND11_MODULE(_core, m) {
  namespace py = pybind11;
  py::register_exception<isa::Error>(m, "Error", PyExc_RuntimeError);
  front::bind_values(m);
  front::bind_memory(m);
  front::bind_vector(m);
  front::bind_cube(m);
  front::bind_scalars(m);
  front::bind_scopes(m);
  front::bind_run(m);
  front::bind_ranks(m);
  m.def(
      "active", [] { return pl::active_session() != nullptr; }, "A program runs on this thread");
}
