//! What goes wrong, on purpose.

use diesel::{QueryableByName, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Mutex,
};

use crate::{
    requests::Request,
    support::{Database, TestApp},
};

/// A title that ends so takes longer to write than the server waits.
pub const TOO_LONG: &str = " too-long";
/// A title that ends so makes a later statement take longer than Postgres lets it.
pub const STATEMENT: &str = " statement-limit";

/// Makes rows of such titles slow. Four seconds are more than either limit, and each of
/// those ends the wait.
pub async fn prepare(database: &Database) {
    database
        .execute(&format!(
            "create function slow_node() returns trigger language plpgsql as $$ begin \
               if new.title like '%{TOO_LONG}' then perform pg_sleep(4); end if; \
               if new.title like '%{STATEMENT}' then perform set_config('statement_timeout', '50', true); end if; \
               return new; end $$; \
             create trigger slow before update on nodes for each row execute function slow_node(); \
             create function slow_version() returns trigger language plpgsql as $$ begin \
               if new.snapshot->>'title' like '%{STATEMENT}' then perform pg_sleep(4); end if; \
               return new; end $$; \
             create trigger slow before insert on node_versions for each row execute function slow_version()"
        ))
        .await;
}

/// When the client leaves.
#[derive(Debug, Clone, Copy)]
pub enum Leave {
    /// Half of the body is sent.
    Sending,
    /// All is sent.
    Served,
    /// The answer begins.
    Answered,
}

/// Makes trouble.
pub struct Trouble {
    admin: Mutex<AsyncPgConnection>,
    address: String,
}

#[derive(QueryableByName)]
struct Cut {
    #[diesel(sql_type = Bool)]
    cut: bool,
}

impl Trouble {
    pub async fn new(test: &TestApp) -> Self {
        Trouble {
            admin: Mutex::new(test.database.admin().await),
            address: test.url.strip_prefix("http://").unwrap().to_owned(),
        }
    }

    /// Cuts one of the server's connections to Postgres, whatever it is doing; answers
    /// how many that were.
    pub async fn cut(&self) -> usize {
        let sql = "select pg_terminate_backend(pid) as cut from pg_stat_activity \
                   where usename = 'glassbox_app' and datname = current_database() \
                   order by random() limit 1";
        let cut: Vec<Cut> = diesel::sql_query(sql)
            .load(&mut *self.admin.lock().await)
            .await
            .unwrap();
        cut.iter().filter(|row| row.cut).count()
    }

    /// Sends `request` and leaves; answers what came of the answer. `meanwhile` gives the
    /// server time to begin.
    pub async fn abandon(
        &self,
        request: &Request,
        token: &str,
        leave: Leave,
        meanwhile: impl Future<Output = ()>,
    ) -> String {
        let mut stream = self.send(request, token, leave).await;
        let mut start = [0; 64];
        let read = match leave {
            Leave::Sending | Leave::Served => {
                meanwhile.await;
                0
            }
            Leave::Answered => stream.read(&mut start).await.unwrap(),
        };
        // A reset, which the server sees at once; at the usual end it would go on.
        stream.set_zero_linger().unwrap();
        String::from_utf8_lossy(&start[..read]).into_owned()
    }

    /// Sends half a request and waits for what the server says to that.
    pub async fn trickle(&self, request: &Request, token: &str) -> String {
        let mut stream = self.send(request, token, Leave::Sending).await;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn send(&self, request: &Request, token: &str, leave: Leave) -> TcpStream {
        let Request { method, path, .. } = request;
        let body = request.body.as_deref().unwrap_or_default();
        let host = &self.address;
        let key = request.key.as_ref();
        let key = key.map_or(String::new(), |key| format!("Idempotency-Key: {key}\r\n"));
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{key}\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let sent = match leave {
            Leave::Sending => &body[..body.len() / 2],
            Leave::Served | Leave::Answered => body,
        };
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        stream
    }
}
