/* mscoree.dll for the bench: a .NET host that has nothing to host.
 *
 * pykd.initialize() calls CLRCreateInstance so that it can read .NET types, and fails without it.
 * Wine's own mscoree wants the Mono package. kdtoken never asks for a .NET type, so this object
 * takes any interface name and answers E_NOTIMPL to everything else. */
#include <windows.h>

enum { METHODS = 64 }; /* more than any interface that pykd could call through */

static HRESULT WINAPI query_interface(void *self, const GUID *id, void **out)
{
    (void)id;
    *out = self;
    return S_OK;
}

static ULONG WINAPI reference_count(void *self)
{
    (void)self;
    return 1; /* static: never freed */
}

static HRESULT WINAPI not_implemented(void *self)
{
    (void)self;
    return E_NOTIMPL;
}

static void *methods[METHODS];
static struct { void **vtable; } host = { methods };

__declspec(dllexport) HRESULT WINAPI CLRCreateInstance(const GUID *class_id, const GUID *id, void **out)
{
    (void)class_id;
    methods[0] = (void *)query_interface;
    methods[1] = methods[2] = (void *)reference_count; /* AddRef, Release */
    for (int i = 3; i < METHODS; i++)
        methods[i] = (void *)not_implemented;
    return query_interface(&host, id, out);
}
